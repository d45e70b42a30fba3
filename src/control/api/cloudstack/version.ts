/** The CloudStack whose console API this is: what clients look at before they call what is newer than they are. */
export const CLOUDSTACK_VERSION = "4.22.0.0";
