export const USAGE = `node stack/bootstrap.mjs <command> [options]

  start [--flink cluster] [--slot N] [--no-seed] [--no-traffic] [--components]
                      gets, builds and runs everything; Ctrl-C or "stop" ends it, the data stays.
                      --no-traffic: a shop without shoppers; --components: the engines only
  stop [--slot N]     ends a running stack from another terminal, and what a killed one left behind
  status [--slot N]   parts, process ids, ports, restarts
  logs <part> [-f] [--slot N]
                      the end of the log of one part, with -f also what comes; without a part their names
  reset [--slot N] [--yes]
                      deletes the data of a stopped stack; asks first without --yes
  test                checks, then unit and integration tests on the real stack
  run <command>       a command of the product on the stack of slot 0: reconcile, seed, advance-clock;
                      "run --help" lists them all
  demo                plays the whole business flow on the stack of slot 0 and tells each step
  verify [proof]      a full-size proof; without a name the list of them
  bench [name]        a benchmark on a stack of its own; without a name the list of them
  build               dependencies and compilation only
  check-tools         says which tools are missing
  stack <command>     start, stop, status, logs, reset, run without getting or building anything first
  stack temporal ...  the Temporal CLI on the server of slot 0: stack temporal workflow list

Slot 0 is "start", slots 1 to 9 are for tests: each has its own ports (18000 + 100 x slot) and data.
Addresses in .env (DATABASE_URL, REDIS_URL, KAFKA_BROKERS, TEMPORAL_ADDRESS, FLINK_REST_URL with
FLINK_SQL_GATEWAY_URL) replace the native component in slot 0.
ADS_CACHE_DIR and ADS_DATA_DIR move the cache of components and the data.
`;
