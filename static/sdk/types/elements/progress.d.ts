/** <lt-progress job="…"> or batch: one bar, and the friendly sentence below it. */
import { LivetrailElement } from "./base.js";
export declare class ProgressElement extends LivetrailElement {
    fill: (file: import("./base.js").FileStatus, of: string | undefined) => void;
    message: HTMLElement;
    percent: HTMLElement;
    body: HTMLElement;
    constructor();
    render(): void;
}
