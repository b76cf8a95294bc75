ALTER TABLE rooms CLUSTER ON rooms_height;
