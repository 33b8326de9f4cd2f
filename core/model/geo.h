/* Points and polygons on the globe (WGS-84, degrees), as pure functions on JSON:
 * a point is {"lng", "lat"}, a polygon GeoJSON's {"type": "Polygon",
 * "coordinates": [ring, ...]}, a ring [[lng, lat], ...] that ends where it began.
 * The first ring is the outline, the others are holes. */
#ifndef ATRIUM_CORE_MODEL_GEO_H
#define ATRIUM_CORE_MODEL_GEO_H

#include "base/base.h"

#define GEO_MAX_POINTS 5000

struct geo_box {
    double min_lng, min_lat, max_lng, max_lat;
};

bool geo_point_ok(const json_t *v);
/* NULL, or the code of what is wrong: polygon_shape, polygon_points,
 * polygon_open, polygon_crossed, polygon_range. */
const char *geo_polygon_wrong(const json_t *v);
/* Of a polygon that is right. */
struct geo_box geo_polygon_box(const json_t *v);
/* Points on the border count as inside; those in a hole do not. */
bool geo_polygon_holds(const json_t *polygon, double lng, double lat);

#endif
