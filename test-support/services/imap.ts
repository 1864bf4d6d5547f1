import { writeFileSync } from "node:fs";
import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { debianEnvironment, findProgram } from "../../scripts/debian-programs.mjs";
import { Certificates } from "../certificate.ts";
import type { TlsFiles } from "../certificate.ts";
import { run } from "../run.ts";
import { openFolder, startOverUsr } from "./debian.ts";

/** An IMAP server over TLS, with one user who has an empty mailbox. */
export interface Imap extends AsyncDisposable {
  readonly port: number;
  /** The certificate that signs itself and so is the one to trust; for 127.0.0.1 and localhost. */
  readonly certPath: string;
  readonly user: string;
  readonly password: string;
}

/** What `startImap` needs of the machine: dovecot gives up the rights of root, and finds its parts at fixed places. */
export const imapNeeds = ["dovecot", "openssl", "root", "right to mount over /usr"];

const [user, password] = ["brick", "secret"];

/** The unprivileged user that Debian always has. */
const nobody = 65534;

/** Starts Debian's dovecot. */
export async function startImap(): Promise<Imap> {
  await using made = new AsyncDisposableStack();
  const { path } = made.use(await openFolder("imap"));
  const files = await made.use(await Certificates.open()).make("imap");
  const { stdout: said } = await run(findProgram("dovecot") ?? "dovecot", ["--version"], "", debianEnvironment());
  const [version = said] = /^[\d.]+/.exec(said) ?? [];
  await chmod(path, 0o755);
  await mkdir(`${path}/mail`);
  await chown(`${path}/mail`, nobody, nobody);
  await writeFile(`${path}/users`, `${user}:{PLAIN}${password}::::::\n`);
  const config = `${path}/dovecot.conf`;
  const args = (port: number): readonly string[] => {
    writeFileSync(config, configure(version, path, port, files));
    return ["-F", "-c", config];
  };
  const { port } = made.use(await startOverUsr("dovecot", args));
  const held = made.move();
  return { port, certPath: files.certPath, user, password, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** The configuration; from version 2.4 on several settings have other names. */
function configure(version: string, folder: string, port: number, { certPath, keyPath }: TlsFiles): string {
  const common = `
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = /dev/stderr
listen = 127.0.0.1
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
first_valid_uid = ${nobody}
last_valid_uid = ${nobody}
auth_failure_delay = 0
ssl = required
namespace inbox {
  inbox = yes
}
service imap-login {
  chroot =
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = ${port}
    ssl = yes
  }
}
# Without the listener's mode, a wrong password makes the next attempt wait.
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
`;
  if (/^2\.[0-3]\./.test(version))
    return `
protocols = imap
ssl_cert = <${certPath}
ssl_key = <${keyPath}
mail_location = maildir:${folder}/mail
passdb {
  driver = passwd-file
  args = ${folder}/users
}
userdb {
  driver = static
  args = uid=${nobody} gid=${nobody} home=${folder}/mail
}
${common}`;
  return `dovecot_config_version = ${version}
dovecot_storage_version = ${version}
protocols = imap
ssl_server_cert_file = ${certPath}
ssl_server_key_file = ${keyPath}
mail_driver = maildir
mail_path = ${folder}/mail
passdb passwd-file {
  passwd_file_path = ${folder}/users
}
userdb static {
  fields {
    uid = ${nobody}
    gid = ${nobody}
    home = ${folder}/mail
  }
}
${common}`;
}
