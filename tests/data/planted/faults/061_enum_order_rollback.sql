CREATE TYPE size AS ENUM ('L', 'M', 'S');
