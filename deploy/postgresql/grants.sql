-- What the service's role may do. The owner runs this again after each migration.
-- It may add to the custody log and read it, and neither change it nor drop its triggers.
GRANT USAGE ON SCHEMA public TO truethread_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO truethread_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO truethread_app;
REVOKE UPDATE, DELETE ON
    custody_entry, custody_subject, custody_node, evidence_checkpoint, evidence_stamp
    FROM truethread_app;
