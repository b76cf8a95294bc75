-- finds: index "nowhere_idx" does not exist   (42704)
-- verdict: rollback fails
CREATE TABLE somewhere (id integer);
