import { describe, expect, test } from "vitest";
import {
  describeSettings,
  filledText,
  hostName,
  ipAddress,
  listenPort,
  listOption,
  valueOption,
  pathOrAddress,
  readOptions,
  readSettings,
  selectOptions,
  SettingsError,
  switchOption,
} from "@wirebook/settings";

const table = {
  port: valueOption(listenPort, "X_PORT", 5007, "Where to listen"),
  serverName: valueOption({ schema: filledText, form: "NAME", expects: "a name" }, "X_NAME", "here", "Whom to ask"),
  trace: switchOption("X_TRACE", "Say more"),
  origin: listOption({ schema: filledText, form: "ORIGIN", expects: "an origin" }, "X_ORIGIN", "Who may come"),
};

const readAlone = (...argv: string[]) => readOptions(table, { argv, env: {} });
const read = (argv: string[], env: Record<string, string> = {}) => readSettings(table, { argv, env });

describe("readSettings", () => {
  test("takes the option before the environment before the default", () => {
    expect(read([]).settings).toEqual({ port: 5007, serverName: "here", trace: false, origin: [] });
    expect(read([], { X_PORT: "1", X_NAME: "", X_TRACE: "1", X_ORIGIN: "a, b" }).settings).toEqual({
      port: 1,
      serverName: "here",
      trace: true,
      origin: ["a", "b"],
    });
    const words = ["--port=2", "--server-name", "there", "--trace", "--origin", "c", "--origin", "d"];
    expect(read(words, { X_PORT: "1" }).settings).toEqual({
      port: 2,
      serverName: "there",
      trace: true,
      origin: ["c", "d"],
    });
  });

  test("takes a switch from the environment only when its word means yes or no", () => {
    for (const word of ["1", "true", "Yes", "on"]) expect(read([], { X_TRACE: word }).settings.trace, word).toBe(true);
    for (const word of ["0", "False", "no", "off"])
      expect(read([], { X_TRACE: word }).settings.trace, word).toBe(false);
    expect(() => read([], { X_TRACE: "disabled" })).toThrow('X_TRACE is "disabled"; type 1 or 0');
  });

  test("leaves the other words alone, negative numbers too", () => {
    expect(read(["brick", "2", "-100", "--trace", "-5"]).words).toEqual(["brick", "2", "-100", "-5"]);
  });

  test("shows no user and no password of an address in its sentences", () => {
    expect(() => read(["--port", "nats://brick:s3/cr@et@host/x"])).toThrow(
      '--port is "nats://…@host/x"; type a port from 0 to 65535',
    );
  });

  test.each(["history.txt", "./nats:/x", "C:\\x", "nats://host", "tls://host/x"])(
    "takes %s for a path or an address",
    (text) => {
      expect(pathOrAddress("nats", "tls").parse(text)).toBe(text);
    },
  );

  test.each(["", "http://host/x", "natss://host", "NATS://host"])("takes %s for neither", (text) => {
    expect(pathOrAddress("nats", "tls").safeParse(text).success).toBe(false);
  });

  test.each(["tcp://10.96.0.12:5007", "udp://10.96.0.12:53", "sctp://[fd00::c]:5007"])(
    "ignores %s, which Kubernetes sets for a Service by the name of a port's variable, and says so once",
    (text) => {
      const notices: string[] = [];
      const onNotice = (sentence: string): void => void notices.push(sentence);
      expect(readSettings(table, { argv: [], env: { X_PORT: text }, onNotice }).settings.port).toBe(5007);
      expect(notices).toEqual([
        `X_PORT is "${text}", which Kubernetes or Docker sets for a service of that name; it is ignored, and --port is 5007`,
      ]);
      expect(readSettings(table, { argv: ["--port", "1"], env: { X_PORT: text }, onNotice }).settings.port).toBe(1);
      expect(notices).toHaveLength(1);
    },
  );

  test.each([
    [["--port", "tcp://10.96.0.12:5007"], {}],
    [[], { X_PORT: "tcp://10.96.0.12" }],
    [[], { X_PORT: "http://10.96.0.12:5007" }],
  ])("takes nothing else for such an address: %j %j", (argv, env) => {
    expect(() => read(argv, env as Record<string, string>)).toThrow("type a port from 0 to 65535");
  });

  test("names a setting by its option, or by its variable where that says it", () => {
    const { nameOf } = read(["--port", "1"], { X_PORT: "2", X_NAME: "there" });
    expect([nameOf("port"), nameOf("port", 3)]).toEqual(["--port", "--port 3"]);
    expect([nameOf("serverName"), nameOf("serverName", "here")]).toEqual(["X_NAME", "X_NAME=here"]);
    expect(nameOf("origin", "o")).toBe("--origin o");
  });

  test("freezes what it gives", () => {
    expect(Object.isFrozen(read([]).settings)).toBe(true);
  });

  test.each([
    [["--port", "70000"], {}, '--port is "70000"; type a port from 0 to 65535'],
    [["--port", "-1"], {}, '--port is "-1"; type a port from 0 to 65535'],
    [[], { X_PORT: "http" }, 'X_PORT is "http"; type a port from 0 to 65535'],
    [["--server-name", ""], {}, '--server-name is ""; type a name'],
  ])("says what to type instead: %j %j", (argv, env, sentence) => {
    expect(() => read(argv, env as Record<string, string>)).toThrow(new SettingsError(sentence));
  });

  test("refuses an option that it does not know", () => {
    expect(() => read(["--prot", "1"])).toThrow("unknown option --prot; see --help");
    expect(() => read(["--port"])).toThrow(/--port.*--help/s);
  });

  test("refuses a word where a program takes options alone, and shows no password of it", () => {
    expect(() => readAlone("http://ada:secret@host")).toThrow('"http://…@host" is not an option; see --help');
    expect(readAlone("--port", "1")?.settings.port).toBe(1);
    expect(readAlone("word", "--help")).toBeUndefined();
  });

  test("knows when help is wanted", () => {
    expect(read(["-h"]).isHelp).toBe(true);
    expect(read(["--help"]).isHelp).toBe(true);
    expect(read([]).isHelp).toBe(false);
  });

  test("gives help in spite of wrong values, which may be why it is wanted", () => {
    expect(read(["--port", "http", "--help"], { X_NAME: "there", X_PORT: "70000" })).toMatchObject({
      settings: { port: 5007, serverName: "here" },
      isHelp: true,
    });
  });
});

test("describeSettings gives a line for each setting and for --help", () => {
  expect(describeSettings(table)).toBe(
    [
      "  --port PORT         Where to listen (X_PORT, 5007)",
      "  --server-name NAME  Whom to ask (X_NAME, here)",
      "  --trace             Say more (X_TRACE)",
      "  --origin ORIGIN     Who may come; may be repeated (X_ORIGIN)",
      "  --help              print this help",
      "",
    ].join("\n"),
  );
});

test.each([
  ["[::1]", "::1"],
  ["::1", "::1"],
  ["[fe80::1%eth0]", "fe80::1%eth0"],
  ["[127.0.0.1]", "[127.0.0.1]"],
  ["[here]", "[here]"],
  ["localhost", "localhost"],
])("the host %s is %s", (text, host) => {
  expect(hostName.schema.parse(text)).toBe(host);
});

test("an IPv6 address may stand in brackets wherever an address is asked for", () => {
  for (const right of ["::1", "192.0.2.7"]) expect(ipAddress.schema.parse(right)).toBe(right);
  expect(ipAddress.schema.parse("[::1]")).toBe("::1");
  for (const wrong of ["[192.0.2.7]", "[::1", "localhost", "::1/64"]) {
    expect(ipAddress.schema.safeParse(wrong).success, wrong).toBe(false);
  }
});

test("the options of a part of a table are selected with their values", () => {
  const argv = ["word", "--port", "-5", "--trace", "--server-name=x", "--origin", "::1", "--", "--port", "6"];
  const { port, trace, origin } = table;
  expect(selectOptions(table, argv, { port, trace })).toEqual(["--port=-5", "--trace"]);
  expect(selectOptions(table, argv, { origin })).toEqual(["--origin=::1"]);
});
