// A node:test reporter that lets through what the tests print as JSON rows.
export default async function* rows(source) {
  let failed = 0;
  for await (const event of source) {
    if (event.type === 'test:stdout' && event.data.message.startsWith('{')) yield event.data.message;
    if (event.type === 'test:fail') failed++;
  }
  if (failed) yield `${JSON.stringify({ failed })}\n`;
}
