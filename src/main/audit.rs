//! `flowdeck audit` as a process: asks the engine, or reads the store of one that does not run.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flowdeck::cli::audit::{Action, CheckpointArgs, ExportArgs, Format, VerifyArgs, Writer, list, show, signed, tell};
use flowdeck::cli::{self, AuditArgs, Context, exit};
use flowdeck::client::{Client, ClientError, start};
use flowdeck::config::{read_file, read_if_there};
use flowdeck::model::{AuditQuery, AuditRecord, AuditVerdict, Sealed, Timestamp, Unreadable, VerifyRequest, audit, checkpoint};
use flowdeck::store::{Offline, Signer, checkpoints};

type Done<T> = Result<T, Box<dyn Error>>;

/// Records that an export asks for at once.
const PAGE: u32 = 1000;

/// Carries the command out.
pub async fn main(context: &Context, options: AuditArgs) -> Done<u8> {
    match carry_out(context, options).await {
        Err(error) => match error.downcast_ref::<ClientError>() {
            Some(refused) => {
                cli::complain(exit::FAILED, refused);
                Ok(refused.exit_code())
            }
            None => Err(error),
        },
        done => done,
    }
}

async fn carry_out(context: &Context, options: AuditArgs) -> Done<u8> {
    let json = options.json;
    match options.into_action() {
        Action::List(args) => {
            list(&Source::of(context).await?.page(args.query()).await?, json);
            Ok(exit::SUCCESS)
        }
        Action::Verify(args) => verify(context, &args, json).await,
        Action::Export(args) => export(context, &args).await,
        Action::Checkpoint(args) => sign(context, args, json).await,
    }
}

/// Where the chain is.
enum Source {
    Engine(Client),
    Store(Offline),
}

impl Source {
    async fn of(context: &Context) -> Done<Self> {
        if start::answers(context.paths.socket()).await? {
            return Ok(Self::Engine(context.client()?));
        }
        Ok(Self::Store(Offline::open(context.paths.state_dir())?))
    }

    async fn page(&self, query: AuditQuery) -> Done<Vec<AuditRecord>> {
        Ok(match self {
            Self::Engine(client) => client.audit(&query).await?,
            Self::Store(store) => store.audit(&query)?,
        })
    }

    async fn verify(&self, request: &VerifyRequest) -> Done<AuditVerdict> {
        Ok(match self {
            Self::Engine(client) => client.verify_audit(request).await?,
            Self::Store(store) => match checkpoint::read(&request.checkpoints, &request.keys) {
                Ok(signed) => store.verify_audit(&signed)?,
                Err(broken) => AuditVerdict::Broken(broken),
            },
        })
    }

    async fn sign(&self, context: &Context) -> Done<Sealed> {
        match self {
            Self::Engine(client) => Ok(client.checkpoint().await?),
            Self::Store(store) => {
                let signer = Signer::open(context.paths.state_dir())?;
                let (head, identity) = store.audit_head()?;
                let now = i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis())?;
                Ok(Sealed { checkpoint: signer.checkpoint(head, Timestamp(now), &identity), public: signer.public() })
            }
        }
    }
}

async fn verify(context: &Context, args: &VerifyArgs, json: bool) -> Done<u8> {
    let request = match comparison(context, args) {
        Ok(request) => request,
        Err(error) => {
            cli::complain(exit::USAGE, error.as_ref());
            return Ok(exit::USAGE);
        }
    };
    let verdict = match &args.file {
        Some(path) => exported(path, &request)?,
        None => Source::of(context).await?.verify(&request).await?,
    };
    Ok(tell(&verdict, json))
}

/// What the chain is compared with. A file that was named must be there; one that the settings name may not have begun yet.
fn comparison(context: &Context, args: &VerifyArgs) -> Done<VerifyRequest> {
    let own = context.workspace.file.audit.checkpoint.as_ref().filter(|_| args.file.is_none());
    let (path, text) = match (&args.checkpoint, own) {
        (Some(path), _) => (path, read_file(path)?),
        (None, Some(path)) => match read_if_there(path)? {
            Some(text) => (path, text),
            None => {
                cli::warn(&format!("there are no checkpoints at {}", path.display()));
                return Ok(VerifyRequest::default());
            }
        },
        (None, None) => return Ok(VerifyRequest::default()),
    };
    let keys = args.key.clone().unwrap_or_else(|| checkpoints::keys_of(path));
    Ok(VerifyRequest { checkpoints: text, keys: read_file(&keys)? })
}

/// Goes through a file of JSON lines, one line in memory.
fn exported(path: &Path, request: &VerifyRequest) -> Done<AuditVerdict> {
    let named = |error: std::io::Error| format!("{}: {error}", path.display());
    let lines = BufReader::new(File::open(path).map_err(named)?).lines();
    let signed = match checkpoint::read(&request.checkpoints, &request.keys) {
        Ok(signed) => signed,
        Err(broken) => return Ok(AuditVerdict::Broken(broken)),
    };
    let read = |line: std::io::Result<String>| {
        let line = line.map_err(|error| Unreadable(error.to_string()))?;
        serde_json::from_str(&line).map_err(|error| Unreadable(error.to_string()))
    };
    Ok(audit::verify(lines.map(read), None, &signed).into())
}

async fn export(context: &Context, args: &ExportArgs) -> Done<u8> {
    let source = Source::of(context).await?;
    match &args.output {
        None => write_all(&source, args.format, cli::Out).await.map(drop)?,
        Some(path) => {
            let named = |error: std::io::Error| format!("{}: {error}", path.display());
            let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
            let file = write_all(&source, args.format, BufWriter::new(opened.map_err(named)?)).await?;
            file.into_inner().map_err(|error| named(error.into_error()))?.sync_all().map_err(named)?;
        }
    }
    Ok(exit::SUCCESS)
}

async fn write_all<W: Write>(source: &Source, format: Format, out: W) -> Done<W> {
    let mut writer = Writer::new(format, out)?;
    let mut after = 0;
    loop {
        let query = AuditQuery { after: Some(after), limit: Some(PAGE), ..AuditQuery::default() };
        let page = source.page(query).await?;
        let Some(last) = page.last() else { return Ok(writer.finish()?) };
        after = last.seq;
        for record in &page {
            writer.write(record)?;
        }
    }
}

async fn sign(context: &Context, args: CheckpointArgs, json: bool) -> Done<u8> {
    let sealed = Source::of(context).await?.sign(context).await?;
    let to: Option<PathBuf> = args.to.or_else(|| context.workspace.file.audit.checkpoint.clone());
    match to {
        Some(path) => {
            checkpoints::append(&path, &sealed.checkpoint, &sealed.public)?;
            signed(&sealed, &path, json);
        }
        None => show(&sealed, json),
    }
    Ok(exit::SUCCESS)
}
