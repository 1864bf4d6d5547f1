import type { Streams } from "../streams/streams.svelte.ts";
import { possible } from "../ui/commands.ts";
import type { Command } from "../ui/commands.ts";
import type { ExportSubject, Layout } from "../ui/layout.svelte.ts";

export function exportCommands({ list, selected }: Streams, layout: Layout): readonly Command[] {
  const open = (subject: ExportSubject) => () => void (layout.exportSubject = subject);
  const words = "export share download file";
  const hasAny = list.length > 0;
  return possible([
    { id: "export", label: "Export & share: copy, save, load", words: "download file", run: open({}) },
    hasAny && {
      id: "ndjson",
      label: "Save the session as NDJSON, to load again",
      words,
      run: open({ first: "ndjson" }),
    },
    hasAny && {
      id: "pcapng",
      label: "Save the session as pcapng, for Wireshark",
      words,
      run: open({ first: "pcapng" }),
    },
    { id: "load", label: "Load a saved session", words: "open import file", run: open({ first: "load" }) },
    selected && {
      id: "link",
      label: "Copy a link to the selected entry",
      words: "share url exchange",
      run: open({ first: "link" }),
    },
  ]);
}
