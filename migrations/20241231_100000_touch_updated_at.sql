-- migration: 20241231_100000_touch_updated_at
-- created: 2024-12-31 10:00:00 UTC
-- description: updated_at on tasks and conversations, kept by a trigger
-- migrate: accept writes-under-lock, adding-not-nullable-field because there are a few hundred rows: the lock is held for milliseconds

ALTER TABLE tasks ADD COLUMN updated_at timestamptz;
ALTER TABLE conversations ADD COLUMN updated_at timestamptz;

UPDATE tasks SET updated_at = created_at;
UPDATE conversations SET updated_at = created_at;

ALTER TABLE tasks
    ALTER COLUMN updated_at SET DEFAULT now(),
    ALTER COLUMN updated_at SET NOT NULL;
ALTER TABLE conversations
    ALTER COLUMN updated_at SET DEFAULT now(),
    ALTER COLUMN updated_at SET NOT NULL;

CREATE FUNCTION touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
AS $function$
BEGIN
    -- an update that changes nothing is no news; "IS DISTINCT FROM" because columns may be NULL
    IF NEW IS DISTINCT FROM OLD THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END;
$function$;

CREATE TRIGGER tasks_touch_updated_at
    BEFORE UPDATE ON tasks
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TRIGGER conversations_touch_updated_at
    BEFORE UPDATE ON conversations
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
