import { openJetStreamHistory } from "../../src/jetstream/open.ts";
import { historySuite } from "../suite.ts";

historySuite("jetstream", (place) => openJetStreamHistory(`nats://127.0.0.1:4322/${place}-${process.pid}`));
