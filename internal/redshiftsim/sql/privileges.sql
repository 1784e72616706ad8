-- Who may read what, and the views that tell of it.
--
-- Users, groups and roles of Redshift are all roles of the engine: a user may log in, a role is named in redshift.role,
-- and what is neither is a group. What comes with the system (sys:monitor …) is granted in redshift.system_grant, since
-- the engine's roles belong to all databases of its cluster. Row-level security is the engine's own, masking is listed
-- in redshift.masking, and a late-binding view is one whose comment is 'with no schema binding'.

CREATE TABLE IF NOT EXISTS redshift.role (name text PRIMARY KEY);
CREATE TABLE IF NOT EXISTS redshift.system_grant (user_name text, role_name text, PRIMARY KEY (user_name, role_name));
CREATE TABLE IF NOT EXISTS redshift.system_privilege (role_name text, system_privilege text, PRIMARY KEY (role_name, system_privilege));
CREATE TABLE IF NOT EXISTS redshift.masking (schema_name text, table_name text, policy_name text);
GRANT SELECT ON redshift.role, redshift.system_grant, redshift.system_privilege, redshift.masking TO public;

CREATE OR REPLACE VIEW redshift.identity AS
SELECT r.oid, r.rolname::text AS name,
	CASE WHEN r.rolcanlogin THEN 'user' WHEN b.name IS NOT NULL THEN 'role' ELSE 'group' END AS type
FROM pg_catalog.pg_roles r
LEFT JOIN redshift.role b ON b.name = r.rolname
WHERE r.rolname !~ '^pg_'
UNION ALL
SELECT 0, 'public', 'public';

-- The roles of a user, directly or through other roles.
CREATE OR REPLACE FUNCTION redshift.roles_of(user_name text) RETURNS TABLE (name text) LANGUAGE sql STABLE AS $$
	WITH RECURSIVE held AS (
		SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN redshift.identity i ON i.oid = m.member WHERE i.name = user_name
		UNION
		SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN held h ON h.roleid = m.member
		WHERE EXISTS (SELECT FROM redshift.identity i WHERE i.oid = h.roleid AND i.type = 'role')
	)
	SELECT i.name FROM held h JOIN redshift.identity i ON i.oid = h.roleid AND i.type = 'role'
	UNION
	SELECT g.role_name FROM redshift.system_grant g WHERE g.user_name = roles_of.user_name
$$;

CREATE OR REPLACE FUNCTION redshift.is_super(user_name text) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = user_name
$$;

-- Whether the current user sees what others were granted.
CREATE OR REPLACE FUNCTION redshift.sees_grants() RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT redshift.is_super(current_user::text) OR EXISTS (
		SELECT FROM redshift.roles_of(current_user::text) r
		WHERE r.name IN ('sys:monitor', 'sys:superuser') OR EXISTS (
			SELECT FROM redshift.system_privilege p WHERE p.role_name = r.name AND p.system_privilege = 'ACCESS SYSTEM TABLE'))
$$;

CREATE OR REPLACE FUNCTION redshift.is_secadmin() RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT redshift.is_super(current_user::text)
		OR EXISTS (SELECT FROM redshift.roles_of(current_user::text) r WHERE r.name = 'sys:secadmin')
$$;

-- Without that, only what concerns oneself is shown.
CREATE OR REPLACE FUNCTION redshift.shows(identity oid) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT redshift.sees_grants() OR identity = 0 OR EXISTS (
		SELECT FROM redshift.identity i
		WHERE i.oid = identity AND (i.name = current_user::text OR i.name IN (SELECT name FROM redshift.roles_of(current_user::text))))
$$;

-- Whether one of the entries speaks of a user: by name, through a group, or of everybody. That roles do not count is
-- believed: their documentation does not say that they do.
CREATE OR REPLACE FUNCTION redshift.grants_to(acl aclitem[], wanted text, who oid) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (
		SELECT FROM pg_catalog.aclexplode(acl) a
		WHERE a.privilege_type = pg_catalog.upper(wanted) AND (a.grantee = 0 OR a.grantee = who
			OR EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.roleid = a.grantee AND m.member = who)
				AND NOT EXISTS (SELECT FROM redshift.role b WHERE pg_catalog.to_regrole(pg_catalog.quote_ident(b.name)) = a.grantee)))
$$;

CREATE OR REPLACE FUNCTION redshift.user_oid(user_name text) RETURNS oid LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF pg_catalog.to_regrole(pg_catalog.quote_ident(user_name)) IS NULL THEN
		RAISE undefined_object USING MESSAGE = pg_catalog.format('user "%s" does not exist', user_name);
	END IF;
	RETURN pg_catalog.to_regrole(pg_catalog.quote_ident(user_name));
END
$$;

CREATE OR REPLACE FUNCTION redshift.has_table_privilege(user_name text, relation text, privilege text)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
	who oid := redshift.user_oid(user_name);
BEGIN
	IF redshift.is_super(user_name)
		OR (pg_catalog.upper(privilege) = 'SELECT' AND pg_catalog.pg_has_role(who, 'pg_read_all_data', 'usage')) THEN
		RETURN true;
	END IF;
	RETURN (SELECT c.relowner = who OR redshift.grants_to(c.relacl, privilege, who)
		FROM pg_catalog.pg_class c WHERE c.oid = relation::regclass);
END
$$;
CREATE OR REPLACE FUNCTION redshift.has_table_privilege(relation text, privilege text)
RETURNS boolean LANGUAGE sql STABLE AS 'SELECT redshift.has_table_privilege(current_user::text, relation, privilege)';

CREATE OR REPLACE FUNCTION redshift.has_schema_privilege(user_name text, schema_name text, privilege text)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
	who oid := redshift.user_oid(user_name);
BEGIN
	IF pg_catalog.pg_has_role(who, 'pg_read_all_data', 'usage') THEN
		RETURN true;
	END IF;
	RETURN (SELECT n.nspowner = who OR redshift.grants_to(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)), privilege, who)
		FROM pg_catalog.pg_namespace n WHERE n.oid = pg_catalog.quote_ident(schema_name)::regnamespace);
END
$$;
CREATE OR REPLACE FUNCTION redshift.has_schema_privilege(schema_name text, privilege text)
RETURNS boolean LANGUAGE sql STABLE AS 'SELECT redshift.has_schema_privilege(current_user::text, schema_name, privilege)';

CREATE OR REPLACE VIEW redshift.pg_group AS
SELECT i.name::name AS groname, i.oid AS grosysid,
	(SELECT pg_catalog.array_agg(m.member) FROM pg_catalog.pg_auth_members m WHERE m.roleid = i.oid) AS grolist
FROM redshift.identity i
WHERE i.type = 'group';

CREATE OR REPLACE VIEW redshift.pg_views AS
SELECT v.schemaname, v.viewname, v.viewowner, v.definition || coalesce(
	' ' || pg_catalog.obj_description((pg_catalog.quote_ident(v.schemaname) || '.' || pg_catalog.quote_ident(v.viewname))::regclass, 'pg_class'), '') AS definition
FROM pg_catalog.pg_views v;

SET LOCAL allow_system_table_mods = on;

-- Only what was granted explicitly.
CREATE OR REPLACE VIEW pg_catalog.svv_relation_privileges AS
SELECT n.nspname::text AS namespace_name, c.relname::text AS relation_name, a.privilege_type, i.oid::int AS identity_id,
	i.name AS identity_name, i.type AS identity_type, a.is_grantable AS admin_option
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
JOIN redshift.identity i ON i.oid = a.grantee
WHERE a.grantee <> c.relowner AND c.relkind IN ('r', 'v', 'm') AND ((SELECT redshift.sees_grants()) OR redshift.shows(i.oid));

CREATE OR REPLACE VIEW pg_catalog.svv_column_privileges AS
SELECT n.nspname::text AS namespace_name, c.relname::text AS relation_name, t.attname::text AS column_name, a.privilege_type,
	i.oid::int AS identity_id, i.name AS identity_name, i.type AS identity_type
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid
CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) a
JOIN redshift.identity i ON i.oid = a.grantee
WHERE a.grantee <> c.relowner AND c.relkind IN ('r', 'v', 'm') AND ((SELECT redshift.sees_grants()) OR redshift.shows(i.oid));

CREATE OR REPLACE VIEW pg_catalog.svv_schema_privileges AS
SELECT n.nspname::text AS namespace_name, a.privilege_type, i.oid::int AS identity_id, i.name AS identity_name,
	i.type AS identity_type, a.is_grantable AS admin_option
FROM pg_catalog.pg_namespace n
CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a
JOIN redshift.identity i ON i.oid = a.grantee
WHERE a.grantee <> n.nspowner AND ((SELECT redshift.sees_grants()) OR redshift.shows(i.oid));

CREATE OR REPLACE VIEW pg_catalog.svv_user_grants AS
SELECT u.oid::int AS user_id, u.name AS user_name, r.oid::int AS role_id, r.name AS role_name, m.admin_option
FROM pg_catalog.pg_auth_members m
JOIN redshift.identity u ON u.oid = m.member AND u.type = 'user'
JOIN redshift.identity r ON r.oid = m.roleid AND r.type = 'role'
WHERE (SELECT redshift.sees_grants()) OR u.name = current_user::text
UNION ALL
SELECT NULL, user_name, NULL, role_name, false FROM redshift.system_grant
WHERE (SELECT redshift.sees_grants()) OR user_name = current_user::text;

CREATE OR REPLACE VIEW pg_catalog.svv_role_grants AS
SELECT h.oid::int AS role_id, h.name AS role_name, r.oid::int AS granted_role_id, r.name AS granted_role_name
FROM pg_catalog.pg_auth_members m
JOIN redshift.identity h ON h.oid = m.member AND h.type = 'role'
JOIN redshift.identity r ON r.oid = m.roleid AND r.type = 'role'
WHERE (SELECT redshift.sees_grants()) OR redshift.shows(h.oid);

CREATE OR REPLACE VIEW pg_catalog.svv_roles AS
SELECT i.oid::int AS role_id, i.name AS role_name, 'dwadmin'::text AS role_owner
FROM redshift.identity i
WHERE i.type = 'role' AND ((SELECT redshift.sees_grants()) OR redshift.shows(i.oid));

CREATE OR REPLACE VIEW pg_catalog.svv_system_privileges AS
SELECT p.system_privilege, i.oid::int AS identity_id, i.name AS identity_name, i.type AS identity_type
FROM redshift.system_privilege p
JOIN redshift.identity i ON i.name = p.role_name
WHERE ((SELECT redshift.sees_grants()) OR redshift.shows(i.oid));

-- Only sys:secadmin may ask for the one; the other shows nothing to the rest.
CREATE OR REPLACE FUNCTION redshift.rls_relations() RETURNS TABLE (datname text, relschema text, relname text, relkind text, is_rls_on boolean)
LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF NOT redshift.is_secadmin() THEN
		RAISE insufficient_privilege USING MESSAGE = 'permission denied for relation svv_rls_relation';
	END IF;
	RETURN QUERY
	SELECT pg_catalog.current_database()::text, n.nspname::text, c.relname::text, 'table', c.relrowsecurity
	FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relrowsecurity;
END
$$;
CREATE OR REPLACE VIEW pg_catalog.svv_rls_relation AS SELECT * FROM redshift.rls_relations();

CREATE OR REPLACE VIEW pg_catalog.svv_attached_masking_policy AS
SELECT m.policy_name, m.schema_name, m.table_name, 'table'::text AS table_type, 'dwadmin'::text AS grantor, 'public'::text AS grantee,
	'public'::text AS grantee_type, 0 AS priority
FROM redshift.masking m
WHERE redshift.is_secadmin();

GRANT SELECT ON pg_catalog.svv_relation_privileges, pg_catalog.svv_column_privileges, pg_catalog.svv_schema_privileges,
	pg_catalog.svv_user_grants, pg_catalog.svv_role_grants, pg_catalog.svv_roles, pg_catalog.svv_system_privileges,
	pg_catalog.svv_rls_relation, pg_catalog.svv_attached_masking_policy, redshift.pg_group, redshift.pg_views, redshift.identity TO public;
