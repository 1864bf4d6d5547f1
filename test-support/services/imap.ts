import { writeFileSync } from "node:fs";
import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { Certificates } from "../certificate.ts";
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
  const { certPath, keyPath } = await made.use(await Certificates.open()).make("imap");
  await chmod(path, 0o755);
  await mkdir(`${path}/mail`);
  await chown(`${path}/mail`, nobody, nobody);
  await writeFile(`${path}/users`, `${user}:{PLAIN}${password}::::::\n`);
  const config = `${path}/dovecot.conf`;
  const args = (port: number): readonly string[] => {
    writeFileSync(config, configure(path, port, certPath, keyPath));
    return ["-F", "-c", config];
  };
  const { port } = made.use(await startOverUsr("dovecot", args));
  const held = made.move();
  return { port, certPath, user, password, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

function configure(folder: string, port: number, certPath: string, keyPath: string): string {
  return `
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = /dev/stderr
auth_failure_delay = 0
protocols = imap
listen = 127.0.0.1
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
first_valid_uid = ${nobody}
last_valid_uid = ${nobody}
ssl = required
ssl_cert = <${certPath}
ssl_key = <${keyPath}
mail_location = maildir:${folder}/mail
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
# Without the unix_listener's mode, a wrong password makes the next attempt wait.
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
passdb {
  driver = passwd-file
  args = ${folder}/users
}
userdb {
  driver = static
  args = uid=${nobody} gid=${nobody} home=${folder}/mail
}
`;
}
