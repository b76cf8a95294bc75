-- statements: 9
CREATE TABLE goods (id integer PRIMARY KEY, price integer, said text);
CREATE TABLE goods_log (id integer, said text);
CREATE VIEW cheap AS SELECT id, price, said FROM goods WHERE price < 10;
CREATE RULE log_goods AS ON UPDATE TO goods WHERE OLD.price <> NEW.price DO ALSO (
    INSERT INTO goods_log VALUES (NEW.id, 'was; ' || OLD.price);
    INSERT INTO goods_log SELECT NEW.id, CASE WHEN NEW.price > 5 THEN 'END;' ELSE ')' END; -- ; )
    ;
    DELETE FROM goods_log WHERE said = '(;' /* ; */;
);
CREATE OR REPLACE RULE "insert;" AS ON INSERT TO cheap DO INSTEAD (INSERT INTO goods VALUES (NEW.id, NEW.price, NEW.said || ');'); UPDATE goods SET said = said || '!' WHERE id = NEW.id);
CREATE RULE nothing AS ON DELETE TO cheap DO INSTEAD NOTHING;
INSERT INTO cheap VALUES (1, 4, 'a'), (2, 6, 'b;');
UPDATE goods SET price = price + 3;
DELETE FROM cheap;
