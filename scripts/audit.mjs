// Asks the registry whether something is known against a package that Easel runs with. Fails on
// advisories of high or critical severity; where nobody can be asked it says so and passes, since a
// check must not depend on a service that a machine may not reach.
import { spawnSync } from 'node:child_process';

const TIMEOUT_MS = 20_000;
const FATAL = ['high', 'critical'];

const { stdout, error } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  encoding: 'utf8',
  timeout: TIMEOUT_MS,
  stdio: ['ignore', 'pipe', 'ignore'],
});

let report;
try {
  report = JSON.parse(stdout);
} catch {
  report = { error: { summary: error?.message ?? 'npm gave no report' } };
}

const counts = report.metadata?.vulnerabilities;
if (counts === undefined) {
  const why = report.error?.summary || report.message || 'no report';
  console.log(`Advisories could not be asked for (${String(why).split('http', 1)[0].trim()}).`);
  process.exit(0);
}
const fatal = FATAL.reduce((sum, severity) => sum + (counts[severity] ?? 0), 0);
for (const { name, severity, via } of Object.values(report.vulnerabilities ?? {})) {
  const titles = via.map((source) => source.title ?? source);
  console.log(`${severity}: ${name}: ${titles.join('; ')}`);
}
process.exit(fatal > 0 ? 1 : 0);
