// Runs the audits of graphql-http against the URL given and prints one line of
// JSON for each: {"id", "name", "status", "reason"}.
import { serverAudits } from "graphql-http";

for (const audit of serverAudits({ url: process.argv[2] })) {
  const { status, reason } = await audit.fn();
  console.log(JSON.stringify({ id: audit.id, name: audit.name, status, reason }));
}
