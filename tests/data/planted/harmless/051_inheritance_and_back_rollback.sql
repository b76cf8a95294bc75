DROP TABLE grandchild;
