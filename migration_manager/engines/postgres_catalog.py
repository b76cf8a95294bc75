"""PostgreSQL's catalog (14 to 18) as a `Catalog`: the queries, and what is made of their rows. No connection here.

What belongs to the server itself (below FirstNormalObjectId), to an extension, to a temporary schema, or to the history
of this tool is left out. Names and expressions are written with an empty search path, as pg_dump does; what a default
says in other words (privileges that are the built-in ones, a storage that is the type's) is nothing.
"""

from __future__ import annotations

from typing import Final

from migration_manager.catalog import Catalog, Item
from migration_manager.engines.postgres_sql import BOOKS, FIRST_USER_OID, literal

# Under these the server writes the same value the same way everywhere, as pg_dump has it.
SETTINGS: Final = (
    "SET LOCAL search_path = pg_catalog, pg_temp",
    "SET LOCAL DateStyle = ISO",
    "SET LOCAL IntervalStyle = postgres",
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL extra_float_digits TO DEFAULT",
    "SET LOCAL quote_all_identifiers = off",
    "SET LOCAL bytea_output = hex",
    "SET LOCAL enable_nestloop = off",  # thousands of rows against thousands, and no statistics in a new database
)

_RELATIONS: Final = {
    "r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table", "S": "sequence",
}  # fmt: skip


def queries(version: int) -> list[str]:
    """Return the queries for all there is; each answers one text, which `objects_in` takes apart.

    A row for each object would take the driver longer than the server. `version` is the server's `server_version_num`.
    """
    of_objects = [
        _SCHEMAS,
        _relations(),
        _COLUMN_ORDER,
        _columns(version),
        _CONSTRAINTS,
        _indexes(version),
        _FUNCTIONS,
        _AGGREGATES,
        _TRIGGERS,
        _RULES,
        _POLICIES,
        _TYPES,
        _statistics(version),
        _OPERATORS,
        _OPERATOR_CLASSES,
        _TEXT_SEARCH,
        _FOREIGN,
        _publications(version),
        _OTHERS,
        _PRIVILEGES,
    ]
    return [
        f"""SELECT string_agg(concat_ws(E'\\x1f', o.kind, translate(o.name, E'\\x1e\\x1f', '??'),
 coalesce(translate(o.of, E'\\x1e\\x1f', '??'), ''), o.properties::text), E'\\x1e')
FROM ({query}) o (kind, name, of, properties)"""
        for query in of_objects
    ]


def books(schema: str | None, table: str) -> str:
    """Return the query for the names of the history's relations, and of its schema where nothing else is in that."""
    ends = ", ".join(f"({literal(end)})" for end in (*BOOKS, "_log_id_seq"))
    names = f"SELECT b.name FROM (VALUES {ends}) e (name), LATERAL (SELECT {literal(table)} || e.name) b (name)"
    return f"""SELECT quote_ident({literal(schema)}) || '.' || quote_ident(b.name) FROM ({names}) b
UNION ALL SELECT quote_ident(n.nspname) FROM pg_namespace n
 WHERE n.nspname = {literal(schema)} AND n.nspname <> 'public' AND NOT EXISTS (SELECT FROM pg_class c
  WHERE c.relnamespace = n.oid AND c.relkind NOT IN ('i', 'I')
  AND c.relname NOT IN ({names}))
 AND NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid)
 AND NOT EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = n.oid AND t.typrelid = 0 AND t.typelem = 0)"""


def objects_in(text: str | None) -> Catalog:
    """Return the objects of one answer."""
    return {
        Item(kind, name, of or None): properties
        for kind, name, of, properties in (row.split("\x1f") for row in (text or "").split("\x1e") if row)
    }


# ------------------------------------------------------------------------------------------- pieces


def _ours(oid: str, catalog: str) -> str:
    """Return the condition for an object to be neither the server's own nor an extension's.

    Nor part of another one, as the functions are that a range type is made with.
    """
    of_others = "IN ('e', 'i')" if catalog in ("pg_proc", "pg_cast") else "= 'e'"
    return f"""{oid} >= {FIRST_USER_OID} AND NOT EXISTS (SELECT FROM pg_depend e
 WHERE e.classid = '{catalog}'::regclass AND e.objid = {oid} AND e.deptype {of_others})"""


_NO_TEMPORARY: Final = "n.nspname !~ '^pg_(toast|temp)'"


_UNION: Final = "\nUNION ALL "


def _select(head: str, *, source: str, **properties: str) -> str:
    """Return a query for (kind, name, of, properties); `head` is the first three, NULL properties are left out."""
    pairs = ", ".join(f"'{name.replace('_', ' ')}', {expression}" for name, expression in properties.items())
    return f"SELECT {head},\n json_strip_nulls(json_build_object({pairs}))\n {source}"


def _owner(column: str) -> str:
    return f"pg_get_userbyid({column})"


def _privileges(acl: str, kind: str, owner: str) -> str:
    """Return the expression for privileges that are not the built-in ones, sorted; NULL where they are."""
    default = f"acldefault('{kind}', {owner})"
    return f"""CASE WHEN {acl} IS NOT NULL AND NOT ({acl} @> {default} AND {default} @> {acl}) THEN
 (SELECT coalesce(array_agg(a::text ORDER BY a::text COLLATE "C"), '{{}}') FROM unnest({acl}) a) END"""


def _sorted(values: str) -> str:
    return f'(SELECT array_agg(o ORDER BY o COLLATE "C") FROM unnest({values}) o)'


def _with_comment(oid: str, catalog: str) -> str:
    return f"""LEFT JOIN pg_description d ON d.objoid = {oid} AND d.objsubid = 0
 AND d.classoid = '{catalog}'::regclass"""


def _named(namespace: str, name: str) -> str:
    return f"quote_ident({namespace}) || '.' || quote_ident({name})"


def _regclass(oid: str) -> str:
    return f"nullif({oid}, 0)::regclass::text"


def _regproc(oid: str) -> str:
    return f"nullif({oid}::oid, 0)::regprocedure::text"


_CLASS: Final = "JOIN pg_class c ON c.oid = {} JOIN pg_namespace n ON n.oid = c.relnamespace"
_NAME: Final = _named("n.nspname", "c.relname")
_NAMESPACE: Final = "quote_ident(n.nspname)"

# ----------------------------------------------------------------------------------------- relations

_SCHEMAS: Final = _select(
    f"""'schema', {_NAMESPACE}, NULL""",
    owner=_owner("n.nspowner"),
    privileges=_privileges("n.nspacl", "n", "n.nspowner"),
    comment="d.description",
    source=f"""FROM pg_namespace n {_with_comment("n.oid", "pg_namespace")}
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.deptype = 'e' AND e.objid = n.oid
 AND e.classid = 'pg_namespace'::regclass)""",
)


def _relations() -> str:
    kinds = " ".join(f"WHEN '{letter}' THEN '{kind}'" for letter, kind in _RELATIONS.items())
    return _select(
        f"""CASE c.relkind {kinds} END, {_NAME}, coalesce(o.relation, {_NAMESPACE})""",
        owner=_owner("c.relowner"),
        privileges=f"""CASE WHEN c.relkind = 'S' THEN {_privileges("c.relacl", "s", "c.relowner")}
 ELSE {_privileges("c.relacl", "r", "c.relowner")} END""",
        comment="d.description",
        is_partitioned="CASE WHEN c.relkind = 'p' THEN true END",
        is_unlogged="CASE WHEN c.relpersistence = 'u' THEN true END",
        access_method="CASE WHEN am.amname <> 'heap' OR c.relkind = 'p' THEN am.amname END",
        tablespace="ts.spcname",
        options=_sorted("c.reloptions"),
        TOAST_options=_sorted("tt.reloptions"),
        replica_identity="CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' WHEN 'i' THEN 'index' END",
        row_security="CASE WHEN c.relforcerowsecurity THEN 'forced' || CASE WHEN c.relrowsecurity THEN '' ELSE"
        " ', disabled' END WHEN c.relrowsecurity THEN 'enabled' END",
        partition_key="CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END",
        partition_bound="CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END",
        inherits="""(SELECT array_agg(h.inhparent::regclass::text
 || CASE WHEN h.inhdetachpending THEN ' (detach pending)' ELSE '' END ORDER BY h.inhseqno)
 FROM pg_inherits h WHERE h.inhrelid = c.oid)""",
        of_type="CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END",
        definition="CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END",
        is_populated="CASE WHEN c.relkind = 'm' THEN c.relispopulated END",
        server="fs.srvname",
        foreign_options=_sorted("ft.ftoptions"),
        data_type="CASE WHEN c.relkind = 'S' THEN format_type(s.seqtypid, NULL) END",
        start="s.seqstart",
        increment="s.seqincrement",
        minimum="s.seqmin",
        maximum="s.seqmax",
        cache="s.seqcache",
        cycle="CASE WHEN s.seqcycle THEN true END",
        owned_by="o.relation || '.' || o.attribute",
        source=f"""FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 LEFT JOIN pg_am am ON am.oid = c.relam LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
 LEFT JOIN pg_class tt ON tt.oid = c.reltoastrelid LEFT JOIN pg_sequence s ON s.seqrelid = c.oid
 LEFT JOIN pg_foreign_table ft ON ft.ftrelid = c.oid
 LEFT JOIN pg_foreign_server fs ON fs.oid = ft.ftserver
 LEFT JOIN (SELECT p.objid, {_named("on_.nspname", "oc.relname")} AS relation, quote_ident(oa.attname) AS attribute
  FROM pg_depend p JOIN pg_class oc ON oc.oid = p.refobjid JOIN pg_namespace on_ ON on_.oid = oc.relnamespace
  JOIN pg_attribute oa ON oa.attrelid = p.refobjid AND oa.attnum = p.refobjsubid
  WHERE p.classid = 'pg_class'::regclass AND p.objsubid = 0 AND p.refclassid = 'pg_class'::regclass
  AND p.refobjsubid > 0 AND p.deptype IN ('a', 'i')) o ON c.relkind = 'S' AND o.objid = c.oid
 {_with_comment("c.oid", "pg_class")}
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {_NO_TEMPORARY} AND {_ours("c.oid", "pg_class")}""",
    )


_COLUMN_ORDER: Final = f"""SELECT 'column order', {_NAME}, {_NAME}, json_build_object('columns', v.names)
 FROM (SELECT a.attrelid, array_agg(quote_ident(a.attname) ORDER BY a.attnum) AS names
   FROM pg_attribute a WHERE a.attrelid >= {FIRST_USER_OID} AND a.attnum > 0 AND NOT a.attisdropped
   GROUP BY a.attrelid) v {_CLASS.format("v.attrelid")}
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND {_NO_TEMPORARY} AND {_ours("c.oid", "pg_class")}"""


def _columns(version: int) -> str:
    target = "a.attstattarget" if version >= 170000 else "nullif(a.attstattarget, -1)"
    return _select(
        f"""'column', quote_ident(a.attname), {_NAME}""",
        type="format_type(a.atttypid, a.atttypmod)",
        not_null="CASE WHEN a.attnotnull THEN true END",
        default="CASE WHEN a.attgenerated = '' THEN pg_get_expr(f.adbin, f.adrelid) END",
        generated="CASE WHEN a.attgenerated <> '' THEN CASE a.attgenerated WHEN 's' THEN 'stored' ELSE 'virtual' END"
        " || ': ' || pg_get_expr(f.adbin, f.adrelid) END",
        identity="CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END",
        collation="CASE WHEN a.attcollation <> t.typcollation THEN nullif(a.attcollation, 0)::regcollation::text END",
        storage="CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'plain'"
        " WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END END",
        compression="CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END",
        statistics=target,
        options=_sorted("a.attoptions"),
        foreign_options=_sorted("a.attfdwoptions"),
        privileges=_sorted("a.attacl::text[]"),
        comment="d.description",
        is_inherited="CASE WHEN NOT (a.attislocal OR c.relispartition) THEN true END",
        source=f"""FROM pg_attribute a {_CLASS.format("a.attrelid")} JOIN pg_type t ON t.oid = a.atttypid
 LEFT JOIN pg_attrdef f ON a.atthasdef AND f.adrelid = a.attrelid AND f.adnum = a.attnum
 LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass
 AND d.objoid = a.attrelid AND d.objsubid = a.attnum
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped AND {_NO_TEMPORARY}
 AND {_ours("c.oid", "pg_class")}""",
    )


# A NOT NULL that is named as the server names it (18) says no more than the column does. pg_dump thinks so too.
_SAYS_NO_MORE: Final = """k.contype = 'n' AND k.contypid = 0 AND k.convalidated AND NOT k.connoinherit
 AND d.description IS NULL AND k.conname = c.relname || '_' || (SELECT a.attname FROM pg_attribute a
 WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1]) || '_not_null'"""

_CONSTRAINTS: Final = _select(
    f"""CASE WHEN k.contypid <> 0 THEN 'domain constraint' ELSE 'constraint' END,
 quote_ident(k.conname),
 CASE WHEN k.contypid <> 0 THEN format_type(k.contypid, NULL) ELSE {_NAME} END""",
    definition="pg_get_constraintdef(k.oid)",
    comment="d.description",
    is_inherited="CASE WHEN NOT (k.conislocal OR c.relispartition) THEN true END",
    partition_of="""coalesce((SELECT h.inhparent::regclass::text FROM pg_inherits h WHERE h.inhrelid = i.indexrelid),
 (SELECT quote_ident(o.conname) FROM pg_constraint o WHERE o.oid = k.conparentid))""",
    triggers_disabled="""CASE WHEN k.contype = 'f' AND EXISTS (SELECT FROM pg_trigger g
 WHERE g.tgconstraint = k.oid AND g.tgenabled <> 'O') THEN true END""",
    options=_sorted("ic.reloptions"),
    tablespace="ts.spcname",
    is_invalid="CASE WHEN NOT i.indisvalid THEN true END",
    is_clustered="CASE WHEN i.indisclustered THEN true END",
    is_replica_identity="CASE WHEN i.indisreplident THEN true END",
    index_comment="ixd.description",
    source=f"""FROM pg_constraint k LEFT JOIN pg_class c ON c.oid = k.conrelid
 JOIN pg_namespace n ON n.oid = coalesce(c.relnamespace, k.connamespace)
 LEFT JOIN pg_index i ON k.contype IN ('p', 'u', 'x') AND i.indexrelid = k.conindid
 LEFT JOIN pg_class ic ON ic.oid = i.indexrelid
 LEFT JOIN pg_tablespace ts ON ts.oid = ic.reltablespace
 LEFT JOIN pg_description ixd ON ixd.classoid = 'pg_class'::regclass
 AND ixd.objoid = i.indexrelid AND ixd.objsubid = 0 {_with_comment("k.oid", "pg_constraint")}
 WHERE k.contype <> 't' AND NOT ({_SAYS_NO_MORE}) AND {_NO_TEMPORARY}
 AND {_ours("coalesce(c.oid, k.contypid)", "pg_class")}
 AND (k.contypid = 0 OR {_ours("k.contypid", "pg_type")})""",
)


def _indexes(version: int) -> str:
    target = "a.attstattarget" if version >= 170000 else "nullif(a.attstattarget, -1)"
    return _select(
        f"""'index', {_named("n.nspname", "x.relname")}, {_NAME}""",
        definition="pg_get_indexdef(i.indexrelid)",
        is_invalid="CASE WHEN NOT i.indisvalid THEN true END",
        is_clustered="CASE WHEN i.indisclustered THEN true END",
        is_replica_identity="CASE WHEN i.indisreplident THEN true END",
        tablespace="ts.spcname",
        partition_of="(SELECT h.inhparent::regclass::text FROM pg_inherits h WHERE h.inhrelid = x.oid)",
        statistics=f"""(SELECT array_agg(a.attnum || ': ' || {target} ORDER BY a.attnum)
 FROM pg_attribute a WHERE a.attrelid = x.oid AND {target} IS NOT NULL)""",
        comment="d.description",
        source=f"""FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid {_CLASS.format("i.indrelid")}
 LEFT JOIN pg_tablespace ts ON ts.oid = x.reltablespace {_with_comment("x.oid", "pg_class")}
 WHERE {_NO_TEMPORARY} AND {_ours("c.oid", "pg_class")}
 AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))""",
    )


_TRIGGERS: Final = (
    _select(
        f"""'trigger', quote_ident(t.tgname), {_NAME}""",
        definition="pg_get_triggerdef(t.oid)",
        fires="CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'on replicas' WHEN 'A' THEN 'always' END",
        comment="d.description",
        source=f"""FROM pg_trigger t {_CLASS.format("t.tgrelid")} {_with_comment("t.oid", "pg_trigger")}
 WHERE NOT t.tgisinternal AND {_NO_TEMPORARY} AND {_ours("c.oid", "pg_class")}""",
    )
    + _UNION
    + _select(
        """'event trigger', quote_ident(t.evtname), NULL""",
        event="t.evtevent",
        function=_regproc("t.evtfoid"),
        tags=_sorted("t.evttags"),
        fires="CASE t.evtenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'on replicas' WHEN 'A' THEN 'always' END",
        owner=_owner("t.evtowner"),
        comment="d.description",
        source=f"""FROM pg_event_trigger t {_with_comment("t.oid", "pg_event_trigger")}
 WHERE {_ours("t.oid", "pg_event_trigger")}""",
    )
)

_RULES: Final = _select(
    f"""'rule', quote_ident(r.rulename), {_NAME}""",
    definition="pg_get_ruledef(r.oid)",
    fires="CASE r.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'on replicas' WHEN 'A' THEN 'always' END",
    comment="d.description",
    source=f"""FROM pg_rewrite r {_CLASS.format("r.ev_class")} {_with_comment("r.oid", "pg_rewrite")}
 WHERE NOT (r.rulename = '_RETURN' AND r.ev_enabled = 'O' AND d.description IS NULL) AND {_NO_TEMPORARY}
 AND {_ours("c.oid", "pg_class")}""",
)

_POLICIES: Final = _select(
    f"""'policy', quote_ident(p.polname), {_NAME}""",
    command="CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN"
    " 'DELETE' ELSE 'ALL' END",
    is_restrictive="CASE WHEN NOT p.polpermissive THEN true END",
    roles="(SELECT array_agg(DISTINCT CASE WHEN o = 0 THEN 'public' ELSE pg_get_userbyid(o)::text END)"
    " FROM unnest(p.polroles) o)",
    using="pg_get_expr(p.polqual, p.polrelid)",
    check="pg_get_expr(p.polwithcheck, p.polrelid)",
    comment="d.description",
    source=f"""FROM pg_policy p {_CLASS.format("p.polrelid")} {_with_comment("p.oid", "pg_policy")}
 WHERE {_NO_TEMPORARY} AND {_ours("c.oid", "pg_class")}""",
)


def _statistics(version: int) -> str:
    target = "s.stxstattarget" if version >= 170000 else "nullif(s.stxstattarget, -1)"
    return _select(
        f"""'statistics', {_named("n.nspname", "s.stxname")}, s.stxrelid::regclass::text""",
        definition="pg_get_statisticsobjdef(s.oid)",
        statistics=target,
        owner=_owner("s.stxowner"),
        comment="d.description",
        source=f"""FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
 {_with_comment("s.oid", "pg_statistic_ext")} WHERE {_NO_TEMPORARY} AND {_ours("s.oid", "pg_statistic_ext")}""",
    )


# ----------------------------------------------------------------------------------- functions and types

_SIGNATURE: Final = f"""{_named("n.nspname", "p.proname")} || '(' || pg_get_function_identity_arguments(p.oid)
 || ')'"""

_FUNCTIONS: Final = _select(
    f"""CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, {_SIGNATURE}, {_NAMESPACE}""",
    definition="pg_get_functiondef(p.oid)",
    owner=_owner("p.proowner"),
    privileges=_privileges("p.proacl", "f", "p.proowner"),
    comment="d.description",
    source=f"""FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace {_with_comment("p.oid", "pg_proc")}
 WHERE p.prokind <> 'a' AND {_NO_TEMPORARY} AND {_ours("p.oid", "pg_proc")}""",
)

_AGGREGATES: Final = _select(
    f"""'aggregate', {_SIGNATURE}, {_NAMESPACE}""",
    transition=_regproc("g.aggtransfn"),
    state_type="format_type(g.aggtranstype, NULL)",
    state_size="nullif(g.aggtransspace, 0)",
    final=_regproc("g.aggfinalfn"),
    combine=_regproc("g.aggcombinefn"),
    serialise=_regproc("g.aggserialfn"),
    deserialise=_regproc("g.aggdeserialfn"),
    moving_transition=_regproc("g.aggmtransfn"),
    moving_inverse=_regproc("g.aggminvtransfn"),
    moving_final=_regproc("g.aggmfinalfn"),
    moving_state_type="format_type(nullif(g.aggmtranstype, 0), NULL)",
    moving_state_size="nullif(g.aggmtransspace, 0)",
    sort_operator="nullif(g.aggsortop, 0)::regoperator::text",
    kind="nullif(g.aggkind, 'n')",
    direct_arguments="nullif(g.aggnumdirectargs, 0)",
    final_takes_more="CASE WHEN g.aggfinalextra THEN true END",
    final_modifies="nullif(g.aggfinalmodify, 'r')",
    moving_final_modifies="nullif(g.aggmfinalmodify, 'r')",
    initial="g.agginitval",
    moving_initial="g.aggminitval",
    parallel="nullif(p.proparallel, 'u')",
    owner=_owner("p.proowner"),
    privileges=_privileges("p.proacl", "f", "p.proowner"),
    comment="d.description",
    source=f"""FROM pg_aggregate g JOIN pg_proc p ON p.oid = g.aggfnoid
 JOIN pg_namespace n ON n.oid = p.pronamespace {_with_comment("p.oid", "pg_proc")}
 WHERE {_NO_TEMPORARY} AND {_ours("p.oid", "pg_proc")}""",
)

_TYPES: Final = _select(
    f"""CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, {_named("n.nspname", "t.typname")},
 {_NAMESPACE}""",
    kind="CASE t.typtype WHEN 'c' THEN 'composite' WHEN 'e' THEN 'enum' WHEN 'r' THEN 'range' WHEN 'b' THEN 'base'"
    " WHEN 'p' THEN 'shell' END",
    labels="(SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)",
    base="CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END",
    not_null="CASE WHEN t.typtype = 'd' AND t.typnotnull THEN true END",
    default="CASE WHEN t.typtype = 'd' THEN coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault)"
    " ELSE t.typdefault END",
    collation="CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation THEN"
    " nullif(t.typcollation, 0)::regcollation::text END",
    subtype="format_type(r.rngsubtype, NULL)",
    subtype_class="(SELECT nc.nspname || '.' || oc.opcname FROM pg_opclass oc"
    " JOIN pg_namespace nc ON nc.oid = oc.opcnamespace WHERE oc.oid = r.rngsubopc)",
    subtype_collation="nullif(r.rngcollation, 0)::regcollation::text",
    canonical=_regproc("r.rngcanonical"),
    subtype_difference=_regproc("r.rngsubdiff"),
    multirange="format_type(r.rngmultitypid, NULL)",
    input="CASE WHEN t.typtype = 'b' THEN t.typinput::text END",
    output="CASE WHEN t.typtype = 'b' THEN t.typoutput::text END",
    receive="CASE WHEN t.typtype = 'b' THEN nullif(t.typreceive, 0)::text END",
    send="CASE WHEN t.typtype = 'b' THEN nullif(t.typsend, 0)::text END",
    modifiers_in="nullif(t.typmodin, 0)::text",
    modifiers_out="nullif(t.typmodout, 0)::text",
    analyze="CASE WHEN t.typtype = 'b' THEN nullif(t.typanalyze, 0)::text END",
    subscript="nullif(t.typsubscript, 0)::text",
    length="CASE WHEN t.typtype = 'b' THEN t.typlen END",
    by_value="CASE WHEN t.typtype = 'b' AND t.typbyval THEN true END",
    alignment="CASE WHEN t.typtype = 'b' THEN t.typalign END",
    storage="CASE WHEN t.typtype = 'b' THEN t.typstorage END",
    category="CASE WHEN t.typtype = 'b' THEN t.typcategory END",
    is_preferred="CASE WHEN t.typtype = 'b' AND t.typispreferred THEN true END",
    delimiter="CASE WHEN t.typtype = 'b' THEN nullif(t.typdelim, ',') END",
    is_collatable="CASE WHEN t.typtype = 'b' AND t.typcollation <> 0 THEN true END",
    owner=_owner("t.typowner"),
    privileges=_privileges("t.typacl", "T", "t.typowner"),
    comment="d.description",
    source=f"""FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
 LEFT JOIN pg_type b ON b.oid = t.typbasetype LEFT JOIN pg_range r ON r.rngtypid = t.oid
 LEFT JOIN pg_class tc ON tc.oid = t.typrelid
 {_with_comment("t.oid", "pg_type")}
 WHERE (t.typtype IN ('d', 'e', 'r') OR (t.typtype = 'c' AND tc.relkind = 'c')
 OR (t.typtype IN ('b', 'p') AND t.typelem = 0 AND t.typrelid = 0))
 AND {_NO_TEMPORARY} AND {_ours("t.oid", "pg_type")}""",
)

# -------------------------------------------------------------------------------------------- operators

_OPERATORS: Final = (
    _select(
        f"""'operator', o.oid::regoperator::text, {_NAMESPACE}""",
        function=_regproc("o.oprcode"),
        commutator="nullif(o.oprcom, 0)::regoperator::text",
        negator="nullif(o.oprnegate, 0)::regoperator::text",
        restriction=_regproc("o.oprrest"),
        join="nullif(o.oprjoin::oid, 0)::regprocedure::text",
        hashes="CASE WHEN o.oprcanhash THEN true END",
        merges="CASE WHEN o.oprcanmerge THEN true END",
        owner=_owner("o.oprowner"),
        comment="d.description",
        source=f"""FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
 {_with_comment("o.oid", "pg_operator")} WHERE o.oprcode <> 0 AND {_NO_TEMPORARY}
 AND {_ours("o.oid", "pg_operator")}""",
    )
    + _UNION
    + _select(
        """'cast', format_type(k.castsource, NULL) || ' AS '
 || format_type(k.casttarget, NULL), NULL""",
        function=_regproc("k.castfunc"),
        context="CASE k.castcontext WHEN 'a' THEN 'assignment' WHEN 'i' THEN 'implicit' ELSE 'explicit' END",
        method="CASE k.castmethod WHEN 'b' THEN 'binary' WHEN 'i' THEN 'in and out' ELSE 'function' END",
        comment="d.description",
        source=f"""FROM pg_cast k {_with_comment("k.oid", "pg_cast")} WHERE {_ours("k.oid", "pg_cast")}""",
    )
)

_OPERATOR_CLASSES: Final = (
    _select(
        f"""'operator class', {_named("n.nspname", "o.opcname")} || ' USING ' || am.amname,
 {_NAMESPACE}""",
        family=_named("fn.nspname", "f.opfname"),
        is_default="CASE WHEN o.opcdefault THEN true END",
        for_type="format_type(o.opcintype, NULL)",
        stored_type="format_type(nullif(o.opckeytype, 0), NULL)",
        owner=_owner("o.opcowner"),
        comment="d.description",
        source=f"""FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace
 JOIN pg_am am ON am.oid = o.opcmethod JOIN pg_opfamily f ON f.oid = o.opcfamily
 JOIN pg_namespace fn ON fn.oid = f.opfnamespace {_with_comment("o.oid", "pg_opclass")}
 WHERE {_NO_TEMPORARY} AND {_ours("o.oid", "pg_opclass")}""",
    )
    + _UNION
    + _select(
        f"""'operator family', {_named("n.nspname", "f.opfname")} || ' USING ' || am.amname, {_NAMESPACE}""",
        operators="""(SELECT array_agg(v.amopstrategy || ' ' || v.amopopr::regoperator::text
 || coalesce(' FOR ORDER BY ' || (SELECT s.opfname FROM pg_opfamily s WHERE s.oid = v.amopsortfamily), '')
 ORDER BY v.amopstrategy, v.amopopr::regoperator::text) FROM pg_amop v WHERE v.amopfamily = f.oid)""",
        functions="""(SELECT array_agg(concat(v.amprocnum, ' (', format_type(v.amproclefttype, NULL), ', ',
 format_type(v.amprocrighttype, NULL), ') ', v.amproc::oid::regprocedure) ORDER BY v.amprocnum,
 format_type(v.amproclefttype, NULL), format_type(v.amprocrighttype, NULL))
 FROM pg_amproc v WHERE v.amprocfamily = f.oid)""",
        owner=_owner("f.opfowner"),
        comment="d.description",
        source=f"""FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace
 JOIN pg_am am ON am.oid = f.opfmethod {_with_comment("f.oid", "pg_opfamily")}
 WHERE {_NO_TEMPORARY} AND {_ours("f.oid", "pg_opfamily")}""",
    )
)

# ------------------------------------------------------------------------------------------- the others

_TEXT_SEARCH: Final = (
    _select(
        f"""'text search configuration', {_named("n.nspname", "c.cfgname")}, {_NAMESPACE}""",
        parser="(SELECT pn.nspname || '.' || p.prsname FROM pg_ts_parser p JOIN pg_namespace pn"
        " ON pn.oid = p.prsnamespace WHERE p.oid = c.cfgparser)",
        mappings="(SELECT array_agg((SELECT k.alias FROM ts_token_type(c.cfgparser) k"
        " WHERE k.tokid = m.maptokentype) || ': ' || m.mapdict::regdictionary::text"
        " ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE m.mapcfg = c.oid)",
        owner=_owner("c.cfgowner"),
        comment="d.description",
        source=f"""FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace
 {_with_comment("c.oid", "pg_ts_config")} WHERE {_NO_TEMPORARY} AND {_ours("c.oid", "pg_ts_config")}""",
    )
    + _UNION
    + _select(
        f"""'text search dictionary', {_named("n.nspname", "c.dictname")}, {_NAMESPACE}""",
        template="(SELECT tn.nspname || '.' || t.tmplname FROM pg_ts_template t JOIN pg_namespace"
        " tn ON tn.oid = t.tmplnamespace WHERE t.oid = c.dicttemplate)",
        options="c.dictinitoption",
        owner=_owner("c.dictowner"),
        comment="d.description",
        source=f"""FROM pg_ts_dict c JOIN pg_namespace n ON n.oid = c.dictnamespace
 {_with_comment("c.oid", "pg_ts_dict")} WHERE {_NO_TEMPORARY} AND {_ours("c.oid", "pg_ts_dict")}""",
    )
    + _UNION
    + _select(
        f"""'text search parser', {_named("n.nspname", "c.prsname")}, {_NAMESPACE}""",
        starts="c.prsstart::text",
        proceeds="c.prstoken::text",
        ends="c.prsend::text",
        headline="c.prsheadline::text",
        types="c.prslextype::text",
        comment="d.description",
        source=f"""FROM pg_ts_parser c JOIN pg_namespace n ON n.oid = c.prsnamespace
 {_with_comment("c.oid", "pg_ts_parser")} WHERE {_NO_TEMPORARY} AND {_ours("c.oid", "pg_ts_parser")}""",
    )
    + _UNION
    + _select(
        f"""'text search template', {_named("n.nspname", "c.tmplname")}, {_NAMESPACE}""",
        init="c.tmplinit::text",
        lexize="c.tmpllexize::text",
        comment="d.description",
        source=f"""FROM pg_ts_template c JOIN pg_namespace n ON n.oid = c.tmplnamespace
 {_with_comment("c.oid", "pg_ts_template")} WHERE {_NO_TEMPORARY} AND {_ours("c.oid", "pg_ts_template")}""",
    )
)

# What a user mapping says may be a password: told is only whether it is another one.
_FOREIGN: Final = (
    _select(
        """'foreign-data wrapper', quote_ident(w.fdwname), NULL""",
        handler=_regproc("w.fdwhandler"),
        validator=_regproc("w.fdwvalidator"),
        options=_sorted("w.fdwoptions"),
        owner=_owner("w.fdwowner"),
        privileges=_privileges("w.fdwacl", "F", "w.fdwowner"),
        comment="d.description",
        source=f"""FROM pg_foreign_data_wrapper w {_with_comment("w.oid", "pg_foreign_data_wrapper")}
 WHERE {_ours("w.oid", "pg_foreign_data_wrapper")}""",
    )
    + _UNION
    + _select(
        """'foreign server', quote_ident(s.srvname), NULL""",
        wrapper="(SELECT w.fdwname FROM pg_foreign_data_wrapper w WHERE w.oid = s.srvfdw)",
        type="s.srvtype",
        version="s.srvversion",
        options=_sorted("s.srvoptions"),
        owner=_owner("s.srvowner"),
        privileges=_privileges("s.srvacl", "S", "s.srvowner"),
        comment="d.description",
        source=f"""FROM pg_foreign_server s {_with_comment("s.oid", "pg_foreign_server")}
 WHERE {_ours("s.oid", "pg_foreign_server")}""",
    )
    + _UNION
    + _select(
        """'user mapping', quote_ident(m.usename) || ' on ' || quote_ident(m.srvname),
 quote_ident(m.srvname)""",
        options="md5(m.umoptions::text)",
        source="""FROM pg_user_mappings m""",
    )
)


def _publications(version: int) -> str:
    details, schemas = "''", "NULL::text[]"
    if version >= 150000:
        details = """coalesce(' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
 FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)) || ')', '')
 || coalesce(' WHERE ' || pg_get_expr(r.prqual, r.prrelid), '')"""
        schemas = """(SELECT array_agg(s.nspname ORDER BY s.nspname) FROM pg_publication_namespace v
 JOIN pg_namespace s ON s.oid = v.pnnspid WHERE v.pnpubid = p.oid)"""
    generated = "p.pubgencols" if version >= 180000 else "NULL::text"
    since = {
        150000: {
            "two_phase": "nullif(s.subtwophasestate, 'd')",
            "disable_on_error": "nullif(s.subdisableonerr, false)",
        },
        160000: {
            "without_password": "nullif(NOT s.subpasswordrequired, false)",
            "run_as_owner": "nullif(s.subrunasowner, false)",
            "origin": "nullif(s.suborigin, 'any')",
        },
        170000: {"failover": "nullif(s.subfailover, false)"},
    }
    newer = {name: value for first, these in since.items() if version >= first for name, value in these.items()}
    return (
        _select(
            """'publication', quote_ident(p.pubname), NULL""",
            all_tables="CASE WHEN p.puballtables THEN true END",
            tables=f"(SELECT array_agg(r.prrelid::regclass::text || {details}"
            " ORDER BY r.prrelid::regclass::text) FROM pg_publication_rel r WHERE r.prpubid = p.oid)",
            schemas=schemas,
            operations="""(SELECT array_agg(v.name) FROM (VALUES ('insert', p.pubinsert), ('update', p.pubupdate),
 ('delete', p.pubdelete), ('truncate', p.pubtruncate)) v (name, is_published) WHERE v.is_published)""",
            via_root="CASE WHEN p.pubviaroot THEN true END",
            generated_columns=f"nullif({generated}::text, 'n')",
            owner=_owner("p.pubowner"),
            comment="d.description",
            source=f"""FROM pg_publication p {_with_comment("p.oid", "pg_publication")}
 WHERE {_ours("p.oid", "pg_publication")}""",
        )
        + _UNION
        + _select(
            """'subscription', quote_ident(s.subname), NULL""",
            publications=_sorted("s.subpublications"),
            is_disabled="CASE WHEN NOT s.subenabled THEN true END",
            slot="s.subslotname",
            binary="nullif(s.subbinary, false)",
            streaming="nullif(s.substream::text, 'false')",
            synchronous_commit="nullif(s.subsynccommit, 'off')",
            **newer,
            owner=_owner("s.subowner"),
            comment="d.description",
            source="""FROM pg_subscription s LEFT JOIN pg_description d ON d.objoid = s.oid AND d.objsubid = 0
 AND d.classoid = 'pg_subscription'::regclass
 WHERE s.subdbid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())""",
        )
    )


_OTHERS: Final = (
    _select(
        """'extension', quote_ident(e.extname), NULL""",
        version="e.extversion",
        schema="e.extnamespace::regnamespace::text",
        comment="d.description",
        source=f"""FROM pg_extension e {_with_comment("e.oid", "pg_extension")}""",
    )
    + _UNION
    + _select(
        """'language', quote_ident(l.lanname), NULL""",
        handler=_regproc("l.lanplcallfoid"),
        validator=_regproc("l.lanvalidator"),
        inline=_regproc("l.laninline"),
        is_trusted="CASE WHEN l.lanpltrusted THEN true END",
        owner=_owner("l.lanowner"),
        privileges=_privileges("l.lanacl", "l", "l.lanowner"),
        comment="d.description",
        source=f"""FROM pg_language l {_with_comment("l.oid", "pg_language")} WHERE {_ours("l.oid", "pg_language")}""",
    )
    + _UNION
    + _select(
        """'access method', quote_ident(m.amname), NULL""",
        handler=_regproc("m.amhandler"),
        type="m.amtype",
        comment="d.description",
        source=f"""FROM pg_am m {_with_comment("m.oid", "pg_am")} WHERE {_ours("m.oid", "pg_am")}""",
    )
    + _UNION
    + _select(
        """'transform', format_type(t.trftype, NULL) || ' for ' || l.lanname, NULL""",
        from_sql=_regproc("t.trffromsql"),
        to_sql=_regproc("t.trftosql"),
        comment="d.description",
        source=f"""FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang {_with_comment("t.oid", "pg_transform")}
 WHERE {_ours("t.oid", "pg_transform")}""",
    )
    + _UNION
    + f"""SELECT 'collation', {_named("n.nspname", "c.collname")}, {_NAMESPACE},
 ((to_jsonb(c) - ARRAY['oid', 'collname', 'collnamespace', 'collversion', 'collowner',
 'collencoding'])
  || jsonb_build_object('owner', {_owner("c.collowner")}, 'comment', d.description))::text::json
 FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
 {_with_comment("c.oid", "pg_collation")} WHERE {_NO_TEMPORARY} AND {_ours("c.oid", "pg_collation")}"""
    + _UNION
    + _select(
        f"""'conversion', {_named("n.nspname", "c.conname")}, {_NAMESPACE}""",
        from_encoding="pg_encoding_to_char(c.conforencoding)",
        to_encoding="pg_encoding_to_char(c.contoencoding)",
        function="c.conproc::text",
        is_default="CASE WHEN c.condefault THEN true END",
        owner=_owner("c.conowner"),
        comment="d.description",
        source=f"""FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace
 {_with_comment("c.oid", "pg_conversion")} WHERE {_NO_TEMPORARY} AND {_ours("c.oid", "pg_conversion")}""",
    )
    + _UNION
    + _select(
        """'database settings', coalesce(quote_ident(r.rolname), 'all roles'), NULL""",
        settings=_sorted("s.setconfig"),
        source="""FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole
 WHERE s.setdatabase = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())""",
    )
)


def _acl(catalog: str, acl: str, kind: str, owner: str, *, besides: str = "true") -> str:
    """Return a query for privileges on what is not ours: what on, which, and which it came with."""
    return f"""SELECT pg_describe_object('{catalog}'::regclass, x.oid, 0), x.{acl},
 coalesce(i.initprivs, acldefault({kind}, x.{owner}))
 FROM {catalog} x LEFT JOIN pg_init_privs i ON i.objoid = x.oid AND i.objsubid = 0
 AND i.classoid = '{catalog}'::regclass
 WHERE x.{acl} IS NOT NULL AND {besides} AND NOT ({_ours("x.oid", catalog)})"""


_ACLS: Final = _UNION.join([
    _acl(
        "pg_class", "relacl", "CASE WHEN x.relkind = 'S' THEN 's' ELSE 'r' END::\"char\"", "relowner",
        besides="x.relnamespace <> 'information_schema'::regnamespace AND x.relpersistence <> 't'",
    ),
    f"""SELECT pg_describe_object('pg_class'::regclass, a.attrelid, a.attnum), a.attacl, coalesce(i.initprivs, '{{}}')
 FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_init_privs i ON i.objoid = a.attrelid
 AND i.objsubid = a.attnum AND i.classoid = 'pg_class'::regclass
 WHERE a.attacl IS NOT NULL AND c.relnamespace <> 'information_schema'::regnamespace AND c.relpersistence <> 't'
 AND NOT ({_ours("c.oid", "pg_class")})""",
    _acl(
        "pg_proc", "proacl", "'f'", "proowner",
        besides="NOT EXISTS (SELECT FROM pg_depend f WHERE f.classid = 'pg_proc'::regclass AND f.objid = x.oid"
        " AND f.deptype = 'i')",
    ),
    _acl("pg_type", "typacl", "'T'", "typowner"),
    _acl("pg_language", "lanacl", "'l'", "lanowner"),
    _acl("pg_foreign_data_wrapper", "fdwacl", "'F'", "fdwowner"),
    _acl("pg_foreign_server", "srvacl", "'S'", "srvowner"),
    _acl(
        "pg_namespace", "nspacl", "'n'", "nspowner",
        besides=f"(x.nspname ~ '^pg_' OR x.oid >= {FIRST_USER_OID})",
    ),
])  # fmt: skip

# Privileges on what belongs to the server or to an extension, where they are not what it came with.
_PRIVILEGES: Final = (
    _select(
        """'default privileges', pg_get_userbyid(a.defaclrole) || CASE a.defaclobjtype
 WHEN 'r' THEN ' on tables' WHEN 'S' THEN ' on sequences' WHEN 'f' THEN ' on functions' WHEN 'T' THEN ' on types'
 WHEN 'n' THEN ' on schemas' ELSE ' on large objects' END
 || coalesce(' in ' || quote_ident(n.nspname), ''), quote_ident(n.nspname)""",
        privileges=_sorted("a.defaclacl::text[]"),
        source="""FROM pg_default_acl a LEFT JOIN pg_namespace n ON n.oid = a.defaclnamespace""",
    )
    + _UNION
    + _select(
        "'privileges', v.what, NULL",
        privileges=_sorted("v.acl::text[]"),
        source=f"""FROM (
{_ACLS} ) v (what, acl, initial) WHERE NOT (v.acl @> v.initial AND v.initial @> v.acl)""",
    )
    + _UNION
    + _select(
        """'dependency', pg_describe_object(d.classid, d.objid, d.objsubid)
 || ' on ' || quote_ident(x.extname), NULL""",
        source="FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid"
        " WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x'",
    )
    + _UNION
    + _select(
        "'security label', pg_describe_object(s.classoid, s.objoid, s.objsubid), NULL",
        provider="s.provider",
        label="s.label",
        source="FROM pg_seclabel s",
    )
)
