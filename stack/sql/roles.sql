-- Who may do what in PostgreSQL. The native stack runs this after each start, the container on its first start:
-- every statement may be repeated. The passwords are the demo ones that production refuses.
--   ads_owner  owns the schema; migrations and the partition job only
--   ads_app    the processes; the migrations grant it what it may touch
--   ads_flink  the statements; the migrations grant it its result tables
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ads_owner') THEN
    CREATE ROLE ads_owner LOGIN CREATEDB PASSWORD 'ads_owner_demo';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ads_app') THEN
    CREATE ROLE ads_app LOGIN PASSWORD 'ads_app_demo';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ads_flink') THEN
    CREATE ROLE ads_flink LOGIN PASSWORD 'ads_flink_demo';
  END IF;
END
$$;
ALTER DATABASE ads OWNER TO ads_owner;
