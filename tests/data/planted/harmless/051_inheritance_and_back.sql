CREATE TABLE grandchild () INHERITS (child);
