DROP TABLE before_it;
