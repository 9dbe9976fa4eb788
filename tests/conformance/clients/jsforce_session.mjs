// What a JavaScript integration does with jsforce, in one session; prints one JSON object: step to result or error.
// Arguments: the folder of node_modules, the URL of the org, a username, a password with its security token, the org's time.
import { createRequire } from 'node:module';

const [modules, url, username, password, time] = process.argv.slice(2);
const day = 864e5;
const now = Date.parse(time);
const jsforce = createRequire(`${modules}/`)('jsforce');
const conn = new jsforce.Connection({ loginUrl: url, version: '62.0' });
const steps = {};

async function step(name, work) {
  try {
    steps[name] = (await work()) ?? null;
  } catch (error) {
    steps[name] = { failed: error.errorCode ?? error.name, message: error.message };
  }
}

async function all(stream) {
  const rows = [];
  for await (const row of stream) rows.push(row);
  return rows;
}

conn.bulk.pollInterval = conn.bulk2.pollInterval = conn.metadata.pollInterval = 100;
conn.bulk.pollTimeout = conn.bulk2.pollTimeout = conn.metadata.pollTimeout = 20000;

await step('login', () => conn.login(username, password));
await step('identity', () => conn.identity());
await step('query', () => conn.query("SELECT Id, Name FROM Account WHERE Name LIKE 'Blue%'"));
await step('pages', () => conn.query('SELECT Id FROM Lead', { autoFetch: true, maxFetch: 5000 }).then((found) => found.records.length));

const account = conn.sobject('Account');
await step('create', () => account.create({ Name: 'From JavaScript' }));
const id = steps.create.id;
await step('retrieve', () => account.retrieve(id));
await step('update', () => account.update({ Id: id, Name: 'Changed' }));
await step('upsert', () => account.upsert({ Name: 'By key', ERP_Key__c: 'J-1' }, 'ERP_Key__c'));
await step('find', () => account.find({ Name: { $like: 'Cha%' } }, 'Id, Name'));
await step('many', () => account.create([{ Name: 'A' }, { Industry: 'Retail' }]));
await step('updated', () => account.updated(new Date(now - day), new Date(now + day)));
await step('destroy', () => account.destroy(id));
await step('deleted', () => account.deleted(new Date(now - day), new Date(now + day)));
await step('describe', () => account.describe().then((described) => described.fields.length));
await step('describeGlobal', () => conn.describeGlobal().then((described) => described.sobjects.map((one) => one.name)));
await step('search', () => conn.search('FIND {Granite} IN NAME FIELDS RETURNING Account(Id, Name)'));
await step('limits', () => conn.limits());
await step('tooling', () => conn.tooling.query('SELECT Id, Name FROM ApexClass'));
await step('apex', () => conn.apex.get('/accounts/v1/lookup'));
await step('refused', () => conn.query('SELECT Nothing__c FROM Account'));

await step('bulkInsert', () => conn.bulk.load('Account', 'insert', [{ Name: 'Bulk 1', ERP_Key__c: 'J1' }, { Name: '', ERP_Key__c: 'J2' }]));
await step('bulkQuery', () => conn.bulk.query("SELECT Id, Name FROM Account WHERE Name = 'Bulk 1'").then(all));
await step('bulk2Insert', () => conn.bulk2.loadAndWaitForResults({ object: 'Account', operation: 'insert', input: [{ Name: 'Bulk 2', ERP_Key__c: 'J3' }, { Name: '', ERP_Key__c: 'J4' }] }));
await step('bulk2Query', () => conn.bulk2.query("SELECT Id, Name FROM Account WHERE Name = 'Bulk 2'").then(all));

await step('metadataList', () => conn.metadata.list({ type: 'PermissionSet' }, '62.0'));
await step('metadataRead', () => conn.metadata.read('PermissionSet', ['Project_Sync']));
await step('metadataRetrieve', () => conn.metadata.retrieve({ apiVersion: '62.0', unpackaged: { types: [{ name: 'PermissionSet', members: ['Project_Sync'] }], version: '62.0' } }).complete());
await step('metadataDeploy', () => conn.metadata.deploy(Buffer.from(steps.metadataRetrieve.zipFile ?? '', 'base64'), { singlePackage: false }).complete());
await step('logout', () => conn.logout());

console.log(JSON.stringify(steps));
