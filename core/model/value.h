/* Inside the model room: the pure rules of values that have a form of their own. */
#ifndef ATRIUM_CORE_MODEL_VALUE_H
#define ATRIUM_CORE_MODEL_VALUE_H

#include "model/internal.h"

#define TEXT_FORM 32

/* Each says whether the text is one, and writes the way it is kept. */
bool text_phone(sv v, char out[TEXT_FORM], size_t *n);     /* 13800138000, +85212345678 */
bool text_id_number(sv v, char out[TEXT_FORM], size_t *n); /* 18 characters, X in upper case */
bool text_clock(sv v, char out[TEXT_FORM], size_t *n);     /* HH:MM:SS */
/* Six digits of a province that is. */
bool text_region(sv v);
/* "440300" -> "4403": what codes within that region begin with. */
sv text_region_prefix(sv code);

/* value_shape.c: values with parts. */
int shape_check(const struct mf_field *f, const json_t *v, const char *path, struct err *err);
/* The most items a set may have. */
int64_t set_max(const struct mf_field *f);

/* json_schema.c: does the value fit the part of JSON Schema that a json field may
 * declare? Complaints are told at <path>.<member>. */
int json_schema_check(sv schema, const json_t *v, const char *path, struct err *err);

#endif
