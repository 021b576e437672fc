// Found by startup.c, where a program is linked with this package.
const int prioritycut_plain_convolutions = 1;
