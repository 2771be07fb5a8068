/** <lt-timeline job="…">: the stages of one file, with what was said in each. */
import { LivetrailElement } from "./base.js";
export declare class TimelineElement extends LivetrailElement {
    title_: HTMLElement;
    list: HTMLElement;
    constructor();
    render(): void;
}
