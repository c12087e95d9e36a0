/** The arrows of ARCHITECTURE.md as errors. Tests may reach anything; nothing may reach a test. */
const notTest = { pathNot: '\\.test\\.ts$' };
const layer = (name, comment, from, allowed) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, ...notTest },
  to: {
    path: '^(domain|contracts|infra|operations|activities|workflows|api|consumers|flink|prisma|processes|stack|outside|web|tests|bench)/',
    pathNot: allowed,
  },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'domain-is-pure',
      comment: 'no I/O, no clock, no Node: it is bundled into workflows',
      severity: 'error',
      from: { path: '^domain/', ...notTest },
      to: { pathNot: '^domain/' },
    },
    {
      name: 'workflows-reach-nothing',
      comment: 'only domain, contract names and the Temporal SDK at run time',
      severity: 'error',
      from: { path: '^workflows/', ...notTest },
      to: {
        pathNot: '^(domain|workflows|contracts/temporal)/|@temporalio/(workflow|common)',
        dependencyTypesNot: ['type-only'],
      },
    },
    layer('contracts', 'contracts know domain words only', '^contracts/', '^(domain|contracts)/'),
    layer(
      'infra',
      'infra reaches outside systems, no rules',
      '^infra/',
      '^(domain|contracts|infra|prisma/generated)/',
    ),
    layer(
      'operations',
      'one state change, with its SQL',
      '^operations/',
      '^(domain|contracts|infra|operations|prisma/generated)/',
    ),
    layer(
      'activities',
      'thin: what they share is an operation',
      '^activities/',
      '^(domain|contracts|infra|operations|activities)/',
    ),
    layer(
      'api',
      'what it shares with others is an operation',
      '^api/',
      '^(domain|contracts|infra|operations|api)/',
    ),
    layer(
      'consumers',
      'what they share with others is an operation',
      '^consumers/',
      '^(domain|contracts|infra|operations|consumers)/',
    ),
    layer('flink', 'statements and their deployer', '^flink/', '^(domain|contracts|infra|flink)/'),
    layer('stack', 'knows addresses, not the business', '^stack/', '^(stack|contracts|infra/config)'),
    layer('prisma', 'owns the schema', '^prisma/', '^(prisma|infra|domain|contracts)/'),
    layer('outside', 'the others: contracts only', '^outside/', '^(domain|contracts|outside)/'),
    layer(
      'processes',
      'composition roots',
      '^processes/',
      '^(domain|contracts|infra|operations|activities|workflows|api|consumers|flink|prisma|processes|outside)/',
    ),
    {
      name: 'shop-client-stands-alone',
      comment: 'could be published as it is: its generated types and openapi-fetch',
      severity: 'error',
      from: { path: '^outside/commerce/shop-client/', ...notTest },
      to: { pathNot: '^outside/commerce/shop-client/|node_modules/openapi-fetch/' },
    },
    {
      name: 'no-test-imports',
      severity: 'error',
      from: { path: '^(?!tests/|bench/)', ...notTest },
      to: { path: '^tests/|\\.test\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules|prisma/generated)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
    },
    moduleSystems: ['es6', 'cjs'],
  },
};
