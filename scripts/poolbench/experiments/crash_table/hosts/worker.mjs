// The file that piscina's and tinypool's workers load: it runs the initializer, and then what it is told to.
import { acts, initializers } from './acts.mjs';

const initializer = process.env.CRASH_TABLE_INITIALIZER;
if (initializer) initializers[initializer]();

export default ({ act, args }) => acts[act](...args);
