/* The log: one JSON object a line on stderr (or the file main opened). Values
 * are escaped; nobody passes secrets. [any] */
#ifndef ATRIUM_CORE_LOG_H
#define ATRIUM_CORE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_init(enum log_level level, int fd);
void log_line(enum log_level level, const char *room, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
extern enum log_level log_level_now;

/* Each .c file defines LOG_ROOM before using these. */
#define log_error(...) log_line(LOG_ERROR, LOG_ROOM, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, LOG_ROOM, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, LOG_ROOM, __VA_ARGS__)
#define log_debug(...) \
    do { if (log_level_now >= LOG_DEBUG) log_line(LOG_DEBUG, LOG_ROOM, __VA_ARGS__); } while (0)

#endif
