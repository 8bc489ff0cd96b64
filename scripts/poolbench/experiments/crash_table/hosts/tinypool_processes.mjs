// tinypool with child processes in place of threads.
import * as tinypool from './tinypool.mjs';

export const open = (modules, options) => tinypool.open(modules, options, 'child_process');
