-- statements: 4
CREATE TABLE windows (id INTEGER, said TEXT); -- a;
CREATE TRIGGER windowed AFTER INSERT ON windows
BEGIN
    -- END;
    UPDATE windows SET said = said || ';
x' WHERE id = NEW.id;
END;
INSERT INTO windows VALUES (1, 'two;
lines');
INSERT INTO windows VALUES (2, 'x')