DROP TYPE colour;
