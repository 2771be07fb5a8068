"""The shape of livetrail.db, as a tuple of scripts counted by PRAGMA user_version."""

SCRIPTS: tuple[str, ...] = (
    """
    CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE user (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        role TEXT NOT NULL CHECK (role IN ('operator', 'member')),
        password_hash TEXT NOT NULL,
        created_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- Secrets are kept as SHA-256 only: who reads this file can not use them.
    CREATE TABLE login (
        secret_hash BLOB PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        created_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE token (
        id TEXT PRIMARY KEY,
        secret_hash BLOB NOT NULL UNIQUE,
        user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        label TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        expires_ms INTEGER,
        last_used_ms INTEGER
    ) STRICT, WITHOUT ROWID;

    -- Single-use links: setup claims the instance, signin signs one browser in.
    CREATE TABLE link (
        secret_hash BLOB PRIMARY KEY,
        purpose TEXT NOT NULL CHECK (purpose IN ('setup', 'signin')),
        user_id TEXT REFERENCES user (id) ON DELETE CASCADE,
        expires_ms INTEGER
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE batch (
        id TEXT PRIMARY KEY,
        user_id TEXT NOT NULL,
        name TEXT NOT NULL,
        options TEXT NOT NULL,
        created_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX batch_user ON batch (user_id, id);

    -- The fold of a job's events, written in the transaction that writes the event.
    CREATE TABLE job (
        id TEXT PRIMARY KEY,
        batch_id TEXT,
        user_id TEXT NOT NULL,
        document_id TEXT,
        filename TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        status TEXT NOT NULL,
        undone INTEGER NOT NULL DEFAULT 0,
        last_seq INTEGER NOT NULL,
        state BLOB NOT NULL
    ) STRICT;
    CREATE INDEX job_user ON job (user_id, id);
    CREATE INDEX job_batch ON job (batch_id, id);
    CREATE INDEX job_sha256 ON job (sha256);
    CREATE INDEX job_unfinished ON job (status)
        WHERE status NOT IN ('completed', 'error', 'cancelled');

    -- An index on one column is ordered by seq within it, so a room is read in log order.
    CREATE TABLE event (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        user_id TEXT NOT NULL,
        batch_id TEXT,
        job_id TEXT,
        n INTEGER,
        type TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX event_user ON event (user_id);
    CREATE INDEX event_batch ON event (batch_id);
    CREATE INDEX event_job ON event (job_id);

    CREATE TABLE checkpoint (
        job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
        step TEXT NOT NULL,
        found TEXT NOT NULL,
        took_ms INTEGER NOT NULL,
        PRIMARY KEY (job_id, step)
    ) STRICT, WITHOUT ROWID;

    -- Answers to POST requests that carried an Idempotency-Key.
    CREATE TABLE idempotency (
        user_id TEXT NOT NULL,
        key TEXT NOT NULL,
        path TEXT NOT NULL,
        status INTEGER NOT NULL,
        body TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        PRIMARY KEY (user_id, key)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- Grows when everything that was signed in ends: earlier listen-only tokens name an older one.
    ALTER TABLE user ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

    ALTER TABLE token ADD COLUMN scopes TEXT NOT NULL DEFAULT 'upload listen read control operate';
    ALTER TABLE token ADD COLUMN prefix TEXT NOT NULL DEFAULT '';  -- to recognise it by in lists
    ALTER TABLE token ADD COLUMN allowance TEXT NOT NULL DEFAULT '{}';

    ALTER TABLE login ADD COLUMN id TEXT NOT NULL DEFAULT '';
    ALTER TABLE login ADD COLUMN client TEXT NOT NULL DEFAULT '';  -- as the browser calls itself
    ALTER TABLE login ADD COLUMN address TEXT NOT NULL DEFAULT '';
    UPDATE login SET id = lower(hex(randomblob(16)));
    CREATE UNIQUE INDEX login_id ON login (id);
    CREATE INDEX login_user ON login (user_id);
    CREATE INDEX token_user ON token (user_id);

    -- A link by which somebody without an account follows one job or batch.
    CREATE TABLE share (
        id TEXT PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        room TEXT NOT NULL,
        label TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL,
        last_used_ms INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX share_user ON share (user_id, id);

    -- Of what was sent with the key: files and options. '' was before they were compared.
    ALTER TABLE idempotency ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';

    -- How far a client with a durable name has acknowledged the log.
    CREATE TABLE cursor (
        holder TEXT NOT NULL,
        name TEXT NOT NULL,
        acked INTEGER NOT NULL,
        seen_ms INTEGER NOT NULL,
        PRIMARY KEY (holder, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at_ms INTEGER NOT NULL,
        kind TEXT NOT NULL,
        user_id TEXT,
        name TEXT NOT NULL,
        client TEXT NOT NULL,
        address TEXT NOT NULL,
        facts TEXT NOT NULL
    ) STRICT;
    CREATE INDEX audit_kind ON audit (kind);
    CREATE INDEX audit_user ON audit (user_id);

    -- Everything up to there was pruned; the last state is kept. 0: nothing was.
    ALTER TABLE job ADD COLUMN pruned_upto INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE batch ADD COLUMN pruned_upto INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX job_pruned ON job (pruned_upto) WHERE pruned_upto > 0;
    CREATE INDEX job_pruned_user ON job (user_id, pruned_upto) WHERE pruned_upto > 0;
    CREATE INDEX job_pruned_batch ON job (batch_id, pruned_upto) WHERE pruned_upto > 0;
    CREATE INDEX batch_pruned ON batch (pruned_upto) WHERE pruned_upto > 0;
    CREATE INDEX batch_pruned_user ON batch (user_id, pruned_upto) WHERE pruned_upto > 0;
    """,
    """
    -- Questions that jobs ask. A secret answer is erased when its job has ended.
    CREATE TABLE clarification (
        id TEXT PRIMARY KEY,
        job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
        batch_id TEXT,
        user_id TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        step TEXT NOT NULL,
        key TEXT NOT NULL,
        kind TEXT NOT NULL,
        question TEXT NOT NULL,  -- all of it, as JSON
        unanswered TEXT,  -- the error it ends in without answer and default, as JSON
        state TEXT NOT NULL CHECK (state IN ('open', 'answered', 'expired', 'withdrawn')),
        answer TEXT,  -- JSON; NULL: there is none, or it was a secret and is erased
        source TEXT NOT NULL DEFAULT '',  -- of the answer: person, batch, memory or default
        answered_by TEXT NOT NULL DEFAULT '',
        for_batch INTEGER NOT NULL DEFAULT 0,  -- the answer is good for the batch's other jobs
        asked_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL,
        answered_ms INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX clarification_job ON clarification (job_id, id);
    CREATE INDEX clarification_user ON clarification (user_id, id);
    CREATE INDEX clarification_batch ON clarification (batch_id, id);
    CREATE INDEX clarification_open ON clarification (expires_ms) WHERE state = 'open';

    CREATE TABLE export (
        id TEXT PRIMARY KEY,
        user_id TEXT NOT NULL,
        batch_id TEXT,
        job_id TEXT,
        query TEXT NOT NULL,  -- JSON
        format TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'completed', 'failed')),
        filename TEXT NOT NULL,
        size_bytes INTEGER,
        rows INTEGER,
        sha256 TEXT,
        error TEXT,  -- JSON
        created_ms INTEGER NOT NULL,
        ended_ms INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX export_user ON export (user_id, id);
    CREATE INDEX export_unfinished ON export (id) WHERE state IN ('pending', 'running');

    -- 0 is as usual; higher ones go first within a user's own jobs.
    ALTER TABLE job ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;

    -- How long steps took, for the time that is left: smoothed, by kind of file.
    CREATE TABLE rate (
        step TEXT NOT NULL,
        kind TEXT NOT NULL,
        fixed_ms REAL NOT NULL,
        per_mb_ms REAL NOT NULL,
        samples INTEGER NOT NULL,
        PRIMARY KEY (step, kind)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- 1: the work is done elsewhere and reported here; the runner leaves such a job alone.
    ALTER TABLE job ADD COLUMN reported INTEGER NOT NULL DEFAULT 0;

    -- 0: a client has given it its id, and its first file is not there yet.
    ALTER TABLE batch ADD COLUMN begun INTEGER NOT NULL DEFAULT 1;
    -- The ids that clients make do not sort by time.
    CREATE INDEX batch_created ON batch (user_id, created_ms, id);

    -- Files that arrive piece by piece. Their bytes are in incoming/<id>.tus.
    CREATE TABLE upload (
        id TEXT PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        batch_id TEXT NOT NULL,
        filename TEXT NOT NULL,
        metadata TEXT NOT NULL,  -- as it was sent
        length_bytes INTEGER,  -- NULL: the client does not know it yet
        offset_bytes INTEGER NOT NULL DEFAULT 0,  -- so many are on the disk and count
        job_id TEXT,  -- once every byte was there
        created_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX upload_user ON upload (user_id, id);
    CREATE INDEX upload_batch ON upload (batch_id, id);
    CREATE INDEX upload_expires ON upload (expires_ms);

    -- Addresses that are told of events. What they are told of lies in the log: `cursor` says up to
    -- where there is a delivery of it. Who signs needs the secret itself.
    CREATE TABLE webhook (
        id TEXT PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        url TEXT NOT NULL,
        label TEXT NOT NULL,
        room TEXT NOT NULL,
        types TEXT NOT NULL,  -- names with blanks between; '' is all
        secret TEXT NOT NULL,
        old_secret TEXT,  -- signs too, until then
        old_until_ms INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL CHECK (state IN ('on', 'off', 'disabled')),
        why TEXT NOT NULL DEFAULT '',  -- it is disabled
        cursor INTEGER NOT NULL,
        revision INTEGER NOT NULL DEFAULT 0,  -- grows with each change that somebody makes
        failing_since_ms INTEGER,
        failures INTEGER NOT NULL DEFAULT 0,  -- since then, one after another
        created_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX webhook_user ON webhook (user_id, id);

    CREATE TABLE delivery (
        id TEXT PRIMARY KEY,
        webhook_id TEXT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
        seq INTEGER,  -- of the event; NULL: a test
        type TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
        attempts INTEGER NOT NULL DEFAULT 0,
        next_ms INTEGER NOT NULL,
        created_ms INTEGER NOT NULL,
        tried_ms INTEGER,  -- the rest is of the last attempt
        took_ms INTEGER,
        status INTEGER,
        error TEXT NOT NULL DEFAULT '',
        answer TEXT NOT NULL DEFAULT ''
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX delivery_webhook ON delivery (webhook_id, id);
    CREATE INDEX delivery_pending ON delivery (webhook_id, next_ms) WHERE state = 'pending';

    -- Services by which people are notified. The address holds secrets; `shown` is it without them.
    CREATE TABLE channel (
        id TEXT PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        label TEXT NOT NULL,
        address TEXT NOT NULL,
        service TEXT NOT NULL,
        shown TEXT NOT NULL,
        kinds TEXT NOT NULL,  -- with blanks between
        state TEXT NOT NULL CHECK (state IN ('on', 'off')),
        cursor INTEGER NOT NULL,  -- everything up to there was told
        told_ms INTEGER,
        error TEXT NOT NULL DEFAULT '',  -- why the last one could not be told
        created_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX channel_user ON channel (user_id, id);

    -- Files that came before it was said what is to become of them. Each goes after a day.
    CREATE TABLE deposit (
        id TEXT PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        sha256 TEXT NOT NULL,
        filename TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        media_type TEXT NOT NULL,
        expires_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX deposit_sha256 ON deposit (sha256);
    CREATE INDEX deposit_expires ON deposit (expires_ms);

    -- How far the notifiers of plugins were told the log, each by its plugin's name and its own.
    CREATE TABLE plugin_notifier (
        key TEXT PRIMARY KEY,
        cursor INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- Old answers are looked for with each new one.
    CREATE INDEX idempotency_created ON idempotency (created_ms);
    """,
    """
    -- Jobs by status are read in the order of their ids, a user's and everybody's.
    CREATE INDEX job_user_status ON job (user_id, status, id);
    CREATE INDEX job_status ON job (status, id);
    DROP INDEX job_unfinished;

    CREATE INDEX export_job ON export (job_id) WHERE job_id IS NOT NULL;
    CREATE INDEX export_batch ON export (batch_id) WHERE batch_id IS NOT NULL;
    -- What stands in place of a step is looked for at each start; there is next to nothing of it.
    CREATE INDEX checkpoint_mark ON checkpoint (step)
        WHERE step IN ('undo', 'take_back', 'delete', 'in_hand');
    DROP INDEX batch_user;  -- batches are listed as batch_created has them
    """,
)
