-- statements: 6
create table t (id integer primary key, said text);
create trigger no_semicolons before insert on t when NEW.said like '%;%' begin select raise(ignore); end;
create trigger /* begin ; */ once -- begin
 after insert on t begin
  replace into t select 100 + NEW.id, 'copy of ''' || NEW.said || '''' where NEW.id < 100 ; end
;
insert into t values (1, 'a;b'), (2, 'it''s'), (3, 'end');
drop trigger once;insert into t values (4, 'after');
