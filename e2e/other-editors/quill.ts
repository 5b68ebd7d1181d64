// An editor that knows nothing of Sheaf: Quill with its own Yjs binding, unmodified. Its address
// says where to connect: `?server=ws://127.0.0.1:8080/sync&document=NAME`.

import Quill from "quill";
import QuillCursors from "quill-cursors";
import { QuillBinding } from "y-quill";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";

const address = new URLSearchParams(location.search);
const doc = new Y.Doc();
const provider = new WebsocketProvider(address.get("server")!, address.get("document")!, doc);
Quill.register("modules/cursors", QuillCursors);
const quill = new Quill("#editor", {
  modules: { cursors: true, toolbar: false, history: { userOnly: true } },
  theme: "snow",
});
provider.awareness.setLocalStateField("user", { name: "Quill", color: "#aa5500" });
new QuillBinding(doc.getText("content"), quill, provider.awareness);

Object.assign(window, { quill, doc, provider });
