// The connection to the device: mends itself, and is let go of while nobody can see the page.

const FIRST_RETRY_MS = 500;
const SLOWEST_RETRY_MS = 5000;
const HIDDEN_MS = 5000;

export class Link {
  // onMessage(message, picture): each message, with the picture (a Blob) that belongs to it or null. onState(words):
  // null while connected.
  constructor({ onMessage, onState }) {
    this.onMessage = onMessage;
    this.onState = onState;
    this.retryMs = FIRST_RETRY_MS;
    this.hiding = null;
    document.addEventListener("visibilitychange", () => this.#seen(!document.hidden));
    this.#connect();
  }

  #connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/live`);
    socket.binaryType = "blob";
    this.socket = socket;
    let awaiting = null;
    socket.onopen = () => {
      this.retryMs = FIRST_RETRY_MS;
      this.onState(null);
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") {
        const message = JSON.parse(data);
        if (message.type === "frame") socket.send("taken");
        if (message.picture) awaiting = message;
        else this.onMessage(message, null);
      } else if (awaiting) {
        this.onMessage(awaiting, data);
        awaiting = null;
      }
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = null;
      if (document.hidden && this.hiding === "done") return;
      this.onState("not connected; trying again …");
      setTimeout(() => this.#again(), this.retryMs);
      this.retryMs = Math.min(this.retryMs * 2, SLOWEST_RETRY_MS);
    };
  }

  async #again() {
    if (this.socket || this.hiding === "done") return;
    try {
      // A refused WebSocket does not say why; a page does.
      const page = await fetch("/", { cache: "no-store" });
      if (page.status === 401) return location.reload();
    } catch {
      // The device is not there; the next line finds out again.
    }
    if (!this.socket) this.#connect();
  }

  #seen(visible) {
    if (visible) {
      if (this.hiding !== "done") clearTimeout(this.hiding);
      const was = this.hiding;
      this.hiding = null;
      if (was === "done" && !this.socket) this.#connect();
    } else {
      this.hiding = setTimeout(() => {
        this.hiding = "done";
        this.socket?.close();
      }, HIDDEN_MS);
    }
  }
}
