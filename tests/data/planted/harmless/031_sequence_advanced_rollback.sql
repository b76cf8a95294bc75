SELECT setval('tickets', 1, false);
