"""A small scenario that is right, for tests to take and to break."""

from __future__ import annotations

TEXT = """\
rehearse: 1
system: ERP
purpose: Order Sync

from:
  username: erp.sync@acme.example
  sign_in: {flow: soap-login, password: "env:ERP_OLD_PASSWORD"}
to:
  username: erp.integration@acme.example
  sign_in:
    flow: client-credentials
    app: ERP Integration
    consumer_key: env:ERP_NEW_KEY
    consumer_secret: env:ERP_NEW_SECRET
credentials:
  store: dotenv
  path: erp/.env
  keys: {SF_CLIENT_SECRET: consumer_secret}

permissions:
  drop:
    - {permission: ManageUsers, because: The sync never creates users.}

workload:
  - query: SELECT Id, Status FROM Order
  - upsert: {object: Account, by: ERP_Key__c, rows: 50, fields: {ERP_Key__c: "A-{{row}}", Name: "{{company}}"}}

dual_auth: {for: 14d, old_user_quiet_for: 48h}

expect:
  grants:
    - query: SELECT Id, (SELECT Id FROM Contacts) FROM Account LIMIT 10
      at_least: 1
    - insert: {object: Order, fields: {AccountId: {any: Account}, EffectiveDate: "{{today}}"}}
  denials:
    - query: SELECT Id FROM Employee__c
      error: INVALID_TYPE
    - sign_in: ui
"""
