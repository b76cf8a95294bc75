-- statements: 5
CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER, said TEXT);
CREATE TABLE audit (said TEXT);
CREATE TRIGGER "acc;ount" AFTER UPDATE OF balance ON accounts FOR EACH ROW WHEN NEW.balance <> OLD.balance AND NEW.said <> ';'
BEGIN
    INSERT INTO audit VALUES ('was; ' || OLD.balance); -- END;
    UPDATE accounts SET said = CASE WHEN NEW.balance < 0 THEN 'minus; END;' ELSE CASE NEW.balance WHEN 0 THEN 'zero' END END WHERE id = NEW.id;
    /* END; */
    SELECT CASE WHEN NEW.balance > 1000 THEN RAISE(ABORT, 'too much; END') END;
END;
INSERT INTO accounts VALUES (1, 5, 'a;'), (2, 7, ';');
UPDATE accounts SET balance = balance - 6;
