// An editor that knows nothing of Sheaf: Quill with its own Yjs binding, unmodified but for one
// embed of its page's that it is taught to draw. Its address says where to connect:
// `?server=ws://127.0.0.1:8080/sync&document=NAME`.

import Quill from "quill";
import Embed from "quill/blots/embed.js";
import QuillCursors from "quill-cursors";
import { QuillBinding } from "y-quill";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";

const address = new URLSearchParams(location.search);
const doc = new Y.Doc();
const provider = new WebsocketProvider(address.get("server")!, address.get("document")!, doc);
Quill.register("modules/cursors", QuillCursors);

/** A line across the page. Quill stops at an embed it has no blot for, wherever that comes from. */
class Divider extends Embed {
  static override blotName = "divider";
  static override tagName = "SPAN";
  static override className = "divider";

  static override create(value: unknown): Element {
    const node = super.create(value) as Element;
    node.append(document.createElement("hr"));
    return node;
  }

  static override value(): boolean {
    return true;
  }
}
Quill.register("formats/divider", Divider as never);
const quill = new Quill("#editor", {
  modules: { cursors: true, toolbar: false, history: { userOnly: true } },
  theme: "snow",
});
provider.awareness.setLocalStateField("user", { name: "Quill", color: "#aa5500" });
new QuillBinding(doc.getText("content"), quill, provider.awareness);

Object.assign(window, { quill, doc, provider });
