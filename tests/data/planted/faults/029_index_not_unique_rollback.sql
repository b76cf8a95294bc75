CREATE INDEX rooms_label ON rooms (label);
