DROP TYPE timerange;
