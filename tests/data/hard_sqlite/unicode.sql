-- statements: 4
CREATE TABLE café (größe INTEGER, 名前 TEXT, "ö;ü" TEXT, 🚀 TEXT, full；stop TEXT);
INSERT INTO café VALUES (1, '日本；語;', 'it''s é', '👩‍👩‍👧;', 'שלום; --'); -- é; it's
CREATE TRIGGER été AFTER INSERT ON café BEGIN UPDATE café SET 🚀 = '🚀;END;' WHERE größe = NEW.größe; END;
INSERT INTO café (größe, full；stop) VALUES (2, '；');
