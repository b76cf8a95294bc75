SELECT setval('tickets', 1000);
