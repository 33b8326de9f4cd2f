#include "base/msg.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/panic.h"

struct msg {
    const char *id, *zh, *en;
};

/* The core's own messages; the language of plugins comes with them. */
static const struct msg core_messages[] = {
    /* titles of the HTTP statuses in use */
    {"status_400", "请求有误", "Bad request"},
    {"status_401", "未登录", "Not signed in"},
    {"status_403", "没有权限", "Forbidden"},
    {"status_404", "未找到", "Not found"},
    {"status_405", "方法不允许", "Method not allowed"},
    {"status_408", "请求超时", "Request timed out"},
    {"status_409", "冲突", "Conflict"},
    {"status_411", "缺少长度", "Length required"},
    {"status_412", "前提条件不符", "Precondition failed"},
    {"status_413", "内容过大", "Content too large"},
    {"status_415", "媒体类型不支持", "Unsupported media type"},
    {"status_416", "范围无法满足", "Range not satisfiable"},
    {"status_422", "内容未通过检查", "Unprocessable content"},
    {"status_423", "已锁定", "Locked"},
    {"status_428", "缺少前提条件", "Precondition required"},
    {"status_429", "请求过于频繁", "Too many requests"},
    {"status_431", "请求头过大", "Request header fields too large"},
    {"status_500", "服务器内部错误", "Internal server error"},
    {"status_501", "尚未实现", "Not implemented"},
    {"status_503", "服务暂不可用", "Service unavailable"},
    {"status_504", "上游超时", "Gateway timeout"},
    {"status_507", "存储空间不足", "Insufficient storage"},

    /* the whole request */
    {"invalid", "部分内容填写有误，请检查标出的字段。",
     "Some of the values are not valid; see the fields named."},
    {"bad_json", "JSON 格式有误（第 {0} 行，第 {1} 列）。",
     "The body is not valid JSON (line {0}, column {1})."},
    {"bad_request", "请求格式有误。", "The request is malformed."},
    {"not_found", "要找的内容不存在，或您无权查看。",
     "There is no such thing here, or you may not see it."},
    {"method_not_allowed", "此地址不支持该请求方法。", "This address does not accept that method."},
    {"unauthorized", "请先登录。", "Please sign in first."},
    {"forbidden", "您没有执行此操作的权限。", "You do not have permission to do this."},
    {"reauth_required", "此操作较为敏感，请先验证身份。",
     "This operation is sensitive; please prove who you are first."},
    {"approval_needed", "此操作需先审批，请在记录页面发起。",
     "Others have to agree to this first; ask for it on the record's page."},
    {"approval_pending", "已有审批在进行中，请等待结果或先撤回。",
     "An approval is pending already; wait for it or withdraw it."},
    {"approval_stale", "提交审批后记录已被修改，未执行。",
     "The record was changed after the approval was asked for; nothing was done."},
    {"approval_closed", "此审批已结束（{0}）。", "This approval is over ({0})."},
    {"approval_not_yours", "此审批当前不由您处理。",
     "This approval is not yours to decide at the moment."},
    {"approval_nobody", "找不到审批人，请联系管理员设置。",
     "There is nobody who could approve; tell the administrator."},
    {"approval_own", "不能交给申请人本人。", "It cannot be given to who asked for it."},
    {"approval_has_seat", "此人已在本步骤的审批人中。",
     "This person is asked in this step already."},
    {"approval_requester_gone", "申请人已离职或停用，未执行。",
     "Who asked for it is gone or suspended; nothing was done."},
    {"approval_reminded", "一小时内已催办过。", "They were reminded within the last hour."},
    {"auth.wrong_password", "密码不正确。", "The password is not right."},
    {"auth.no_phone", "账号未绑定手机号。", "There is no phone with this account."},
    {"conflict", "与现有数据冲突，请刷新后重试。",
     "This conflicts with existing data; reload and try again."},
    {"too_large", "提交的内容超过允许的大小。", "The content is larger than allowed."},
    {"too_many_requests", "操作过于频繁，请稍后再试。",
     "Too many requests; please try again later."},
    {"overloaded", "系统繁忙，请稍后再试。", "The system is busy; please try again shortly."},
    {"internal", "系统内部错误，请稍后再试；如仍出现，请把请求编号告知管理员。",
     "Something went wrong on our side. If it happens again, tell the administrator the "
     "request id."},
    {"unavailable", "服务暂时不可用，请稍后再试。", "The service is not available at the moment."},
    {"unsupported_media_type", "不支持这种内容类型。", "This content type is not supported."},
    {"precondition_failed", "数据已被他人修改，请刷新后重试。",
     "The data has changed since you read it; reload and try again."},
    {"version_conflict", "数据已被他人修改，请刷新后重试。",
     "Someone else has changed this record; reload and try again."},
    {"idempotency_mismatch", "同一幂等键已用于另一个不同的请求。",
     "This idempotency key was already used for a different request."},
    {"deadline", "处理超时，请稍后再试。", "The request took too long; please try again."},
    {"csrf", "请求来源校验失败，请刷新页面后重试。",
     "The origin of the request could not be verified; reload the page and try again."},
    {"bad_host", "请求的主机名无效。", "The host name of the request is not valid."},
    {"tenant_unknown", "该地址下没有可用的租户。", "No tenant is served at this address."},
    {"plugin_disabled", "此功能未启用。", "This function is not enabled."},
    {"bad_multipart", "上传的表单格式有误。", "The multipart form is malformed."},
    {"schema_conflict", "已有数据不符合新的表结构：{0}.{1}。",
     "The stored data does not fit the new schema: {0}.{1}."},
    {"disk_full", "服务器存储空间不足，内容未保存。",
     "The server is out of storage space; nothing was saved."},

    /* fields */
    {"required", "必填。", "This is required."},
    {"too_long", "最多 {0} 个字符。", "At most {0} characters."},
    {"too_short", "至少 {0} 个字符。", "At least {0} characters."},
    {"too_small", "不能小于 {0}。", "Must be {0} or more."},
    {"too_large_value", "不能大于 {0}。", "Must be {0} or less."},
    {"not_integer", "必须是整数。", "Must be a whole number."},
    {"not_number", "必须是数字。", "Must be a number."},
    {"not_boolean", "必须是“是”或“否”（true 或 false）。", "Must be true or false."},
    {"not_string", "必须是文本。", "Must be text."},
    {"not_object", "必须是 JSON 对象。", "Must be a JSON object."},
    {"not_array", "必须是 JSON 数组。", "Must be a JSON array."},
    {"bad_cron", "不是有效的定时表达式：{0}。", "This is not a cron expression: {0}."},
    {"not_time", "不是有效的时间，应为 2026-01-31T08:00:00+08:00 这样的格式。",
     "Not a valid time; write it like 2026-01-31T08:00:00Z."},
    {"not_date", "不是有效的日期，应为 2026-01-31 这样的格式。",
     "Not a valid date; write it like 2026-01-31."},
    {"not_phone", "不是有效的手机号码。", "Not a valid phone number."},
    {"not_email", "不是有效的电子邮箱地址。", "Not a valid e-mail address."},
    {"not_url", "不是有效的网址，应以 http:// 或 https:// 开头。",
     "Not a valid address; it should begin with http:// or https://."},
    {"not_color", "不是有效的颜色，应为 #1a2b3c 这样的格式。",
     "Not a valid colour; write it like #1a2b3c."},
    {"not_id", "不是有效的编号。", "Not a valid id."},
    {"not_in_options", "只能从下列值中选择：{0}。", "Must be one of: {0}."},
    {"pattern_mismatch", "格式不符合要求。", "Does not have the required format."},
    {"unknown_field", "没有这个字段。", "There is no such field."},
    {"read_only", "此字段不可修改。", "This field cannot be changed."},
    {"not_unique", "该值已被使用，不能重复。", "This value is already in use."},
    {"ref_not_found", "所引用的记录不存在。", "The record referred to does not exist."},
    {"too_many_items", "最多 {0} 项。", "At most {0} items."},
    {"too_few_items", "至少 {0} 项。", "At least {0} items."},
    {"end_before_start", "结束时间必须晚于开始时间。", "The end must be later than the start."},
    {"duplicate", "内容重复。", "This appears more than once."},
    {"not_decimal", "必须是最多 {0} 位小数的数字文本，例如 \"12.50\"。",
     "Must be a number as text, with at most {0} decimals, such as \"12.50\"."},
    {"not_clock", "不是有效的时刻，应为 08:30 或 08:30:00 这样的格式。",
     "Not a time of day; write it like 08:30 or 08:30:00."},
    {"not_id_number", "不是有效的居民身份证号码。", "Not a valid identity number."},
    {"not_region", "不是有效的行政区划代码。", "Not the code of a region."},
    {"not_point", "不是有效的坐标，应为 {\"lng\": 114.06, \"lat\": 22.54}。",
     "Not a place; write it like {\"lng\": 114.06, \"lat\": 22.54}."},
    {"polygon_shape", "不是有效的多边形。", "Not a GeoJSON polygon."},
    {"polygon_points", "每个环至少 4 个点，总共最多 {0} 个点。",
     "A ring has at least 4 points, all rings together at most {0}."},
    {"polygon_open", "多边形的环没有闭合。", "A ring of the polygon is not closed."},
    {"polygon_crossed", "多边形的边相互交叉。", "Edges of the polygon cross."},
    {"polygon_range", "坐标超出经纬度范围。", "A point is outside longitude and latitude."},
    {"not_tag", "标签应为 1 到 {0} 个字符的文本。", "A tag is a text of 1 to {0} characters."},
    {"not_null", "必须为空。", "Must be null."},
    {"no_custom_fields", "此数据不支持自定义字段。", "This cannot have custom fields."},
    {"tree_cycle", "不能移动到自身或其下级之下。",
     "It cannot be moved below itself or what is below it."},
    {"tree_too_deep", "层级过深。", "The levels are too many."},

    /* records */
    {"not_allowed_in_state", "当前状态（{0}）下不能执行此操作。",
     "This cannot be done while the state is {0}."},
    /* organisation, roles, delegations, seats */
    {"not_bool", "必须是 true 或 false。", "Must be true or false."},
    {"not_oneself", "不能对本人进行此操作。", "Not for oneself."},
    {"administrators_only", "只有系统管理员可以管理系统管理员。",
     "Only an administrator may manage an administrator."},
    {"person_beyond_you", "此人的权限超出您的权限（{0}），您不能管理。",
     "This person may do more than you ({0})."},
    {"role_beyond_yours", "超出您可以授予的权限：{0}。", "More than you may give: {0}."},
    {"role_not_for", "此角色不能授予该单位的人员。", "This role is not for people of that organisation."},
    {"department_not_yours", "该部门不在您的管理范围内。", "The department is not among yours."},
    {"delegate_not_colleague", "代理人必须是同一单位的在职人员。",
     "The delegate must be an active colleague."},
    {"role_not_held", "授权人本人没有此角色，或此角色不能代理。",
     "The person does not hold this role, or it cannot be delegated."},
    {"in_the_past", "时间已过。", "This time has passed."},
    {"too_late", "时间过长。", "Too far away."},
    {"seats_exhausted", "{0} 的席位已用完（共 {1} 个）。", "No seat is left for {0} ({1} in all)."},
    {"seats_in_use", "已有 {0} 名在职人员，席位数不能更少。",
     "There are {0} active people already."},
    {"seats_over_total", "可分配的席位不足，最多 {0} 个。", "At most {0} seats can be split off."},
    {"seat_one_unit", "请选择部门或合作单位之一。", "Choose either a department or a partner."},
    {"grant_resource_unknown", "没有这种资源：{0}。", "There is no such resource: {0}."},
    {"grant_action_unknown", "没有这种操作：{0}。", "There is no such action: {0}."},
    {"grant_scope_unknown", "没有这个数据范围：{0}。", "There is no such scope: {0}."},
    {"grant_transition_unknown", "没有这个状态操作：{0}。", "There is no such transition: {0}."},
    {"grant_field_unknown", "没有这个字段：{0}。", "There is no such field: {0}."},
    {"grant_right_unknown", "字段权限无效：{0}。", "Not a field right: {0}."},
    {"grant_menu_unknown", "没有这个菜单：{0}。", "There is no such menu: {0}."},
    {"last_admin", "必须保留至少一名在职的系统管理员。",
     "At least one active administrator must remain."},
    {"in_use", "正被 {0} 使用，不能删除。", "In use by {0}; it cannot be deleted."},

    /* lists */
    {"bad_filter", "筛选条件有误（{0}）。", "The filter is not valid ({0})."},
    {"bulk_update", "批量修改", "Change many"},
    {"bulk_delete", "批量删除", "Delete many"},
    {"bulk_restore", "批量恢复", "Restore many"},
    {"bulk_assign", "批量分配", "Assign many"},
    {"hand_over", "移交数据", "Hand over records"},
    {"hand_over_oneself", "不能移交给本人。", "This is the person who hands over."},
    {"hand_over_gone", "此人不在职，不能接收。", "This person does not work here now."},
    {"bulk_do", "批量办理", "Act on many"},
    {"bulk_one_of", "编号与筛选条件只能给出一种。", "Give either ids or a filter."},
    {"bad_group", "不能这样统计：{0}。", "Cannot group by or total this: {0}."},
    {"group_bucket", "时间需要一种分段：hour、day、week、month、quarter、year；日期没有 hour。",
     "Times need one of hour, day, week, month, quarter, year; dates have no hour."},
    {"group_key", "不能按此字段分组。", "Rows cannot be grouped by this field."},
    {"bad_search", "没有可供搜索的字段，或搜索内容过长。",
     "There is no field to search in, or the text is too long."},
    {"filter_field", "第 {0} 个字符处应为字段名，却是“{1}”。",
     "At character {0} a field is expected, not \"{1}\"."},
    {"filter_unknown", "第 {0} 个字符处：没有字段“{1}”。",
     "At character {0}: there is no field \"{1}\"."},
    {"filter_operator",
     "第 {0} 个字符处应为运算符（=、!=、<、<=、>、>=、~、in、between、"
     "contains、starts、ends、under、null、!null），却是“{1}”。",
     "At character {0} an operator is expected (=, !=, <, <=, >, >=, ~, in, between, contains, "
     "starts, ends, under, null, !null), not \"{1}\"."},
    {"filter_value", "第 {0} 个字符处应为一个值，却是“{1}”。",
     "At character {0} a value is expected, not \"{1}\"."},
    {"filter_open", "第 {0} 个字符处应为“(”，却是“{1}”。",
     "At character {0} \"(\" is expected, not \"{1}\"."},
    {"filter_close", "第 {0} 个字符处应为“)”，却是“{1}”。",
     "At character {0} \")\" is expected, not \"{1}\"."},
    {"filter_end", "第 {0} 个字符处应为 and、or 或结尾，却是“{1}”。",
     "At character {0} and, or, or the end is expected, not \"{1}\"."},
    {"filter_quote", "第 {0} 个字符处的引号没有结束，或有不能识别的字符。",
     "The quote at character {0} does not end, or there is a character that cannot stand there."},
    {"filter_two", "第 {0} 个字符处：between 需要两个值。",
     "At character {0}: between takes two values."},
    {"filter_variable", "第 {0} 个字符处：没有变量“{1}”。",
     "At character {0}: there is no variable \"{1}\"."},
    {"filter_depts", "第 {0} 个字符处：$user.depts 只能与 in 一起使用。",
     "At character {0}: $user.depts is a list and needs in."},
    {"filter_not_ref", "第 {0} 个字符处：“{1}”只能与引用字段比较，而 {2} 不是。",
     "At character {0}: \"{1}\" can be compared with a reference only, which {2} is not."},
    {"filter_bad_value", "第 {0} 个字符处：“{1}”不是字段 {2} 的值。",
     "At character {0}: \"{1}\" is no value of the field {2}."},
    {"filter_not_text", "第 {0} 个字符处：字段 {2} 不是文本。",
     "At character {0}: the field {2} is not text."},
    {"filter_protected", "受保护的字段只能按完整值（= 或 in）查找，不能排序、按范围或片段查找。",
     "A protected field is found by its whole value (= or in) only: no order, range or part."},
    {"filter_not_tree", "第 {0} 个字符处：字段 {2} 不指向树形数据。",
     "At character {0}: the field {2} does not refer to a tree."},
    {"filter_not_set", "第 {0} 个字符处：字段 {2} 不是多值字段。",
     "At character {0}: the field {2} does not hold several values."},
    {"filter_no_index", "没有索引支持按此字段筛选。",
     "No index covers this field, so lists cannot be filtered by it."},
    {"filter_too_long", "筛选条件最长 {0} 个字节。", "A filter has at most {0} bytes."},
    {"filter_utf8", "筛选条件不是有效的 UTF-8 文本。", "The filter is not valid UTF-8."},
    {"filter_too_deep", "第 {0} 个字符处：括号层次过多。", "At character {0}: nested too deeply."},
    {"filter_too_many", "第 {0} 个字符处：条件或值过多。",
     "At character {0}: too many conditions or values."},
    {"bad_sort", "不能按此排序：{0}。", "Cannot sort by this: {0}."},
    {"bad_cursor", "翻页标记无效，请从第一页重新开始。",
     "The page cursor is not valid; start again from the first page."},
    {"bad_limit", "每页条数必须在 1 到 {0} 之间。", "The limit must be between 1 and {0}."},

    /* identity */
    {"login_failed", "账号或密码不正确。", "The name or the password is not correct."},
    {"locked_out", "尝试次数过多，请在 {0} 秒后再试。",
     "Too many attempts; try again in {0} seconds."},
    {"password_weak", "密码强度不足：至少 {0} 个字符，且不能过于常见。",
     "The password is too weak: at least {0} characters, and not a common one."},
    {"code_invalid", "验证码不正确或已过期。", "The code is not correct or has expired."},
    {"code_too_often", "验证码发送过于频繁，请在 {0} 秒后再试。",
     "Codes are requested too often; try again in {0} seconds."},
    {"session_expired", "登录已过期，请重新登录。",
     "Your session has expired; please sign in again."},

    {"key_invalid", "接口密钥无效、已吊销或已到期。",
     "The API key is not valid, was revoked or has expired."},
    {"key_address", "此接口密钥不允许从您的网络地址使用。",
     "This API key may not be used from your address."},
    {"key_rights", "不能授予超出您自己权限的内容：{0}。",
     "You cannot hand on rights that you do not have: {0}."},
    {"key_people_only", "接口密钥只能由员工管理。", "API keys are managed by staff only."},
    {"not_addresses", "不是有效的网络地址列表，应为 203.0.113.0/24, 2001:db8::/32 这样的格式。",
     "Not a list of addresses; write it like 203.0.113.0/24, 2001:db8::/32."},

    /* imports */
    {"import_bad_file", "文件无法识别，请上传 CSV 或 XLSX 文件。",
     "The file cannot be read; send CSV or XLSX."},
    {"import_old_excel", "这是旧版 Excel（.xls）或带密码的文件，请另存为 .xlsx 或 CSV。",
     "This is an old Excel file (.xls) or one with a password; save it as .xlsx or CSV."},
    {"import_encrypted", "文件有密码保护，请去除密码后再上传。",
     "The file is protected by a password; remove it first."},
    {"import_bomb", "文件展开后过大。", "The file is too large once unpacked."},
    {"import_too_many_columns", "列数超过 {0}。", "More than {0} columns."},
    {"import_too_many_rows", "行数超过 {0}。", "More than {0} rows."},
    {"import_cell_too_long", "有单元格内容过长。", "A cell is too long."},
    {"import_empty", "文件中没有数据行。", "The file has no rows below the heading."},
    {"import_no_column", "文件中没有对应的列。", "No column of the file brings this."},
    {"import_twice", "与第 {0} 行重复。", "The same as in row {0}."},
    {"import_busy", "此文件正在处理中。", "This file is being worked on."},
    {"import_begun", "此文件已开始导入，不能再修改。", "The import has begun; nothing can be changed."},
    {"import_not_checked", "请先检查文件，再导入。", "Check the file first."},
    {"import_has_errors", "文件中有错误行；请修正，或选择跳过错误行。",
     "Some rows have errors; mend them or skip them."},
    {"ref_unknown", "找不到“{0}”。", "There is no “{0}”."},
    {"ref_ambiguous", "有多个“{0}”，请写完整路径或唯一标识。",
     "There are several “{0}”; write the whole path or something unique."},
    {"not_money", "不是有效的金额，最多两位小数。", "Not an amount of money; at most two decimals."},
    {"not_percent", "不是有效的百分比。", "Not a percentage."},
    {"not_json", "不是有效的 JSON。", "Not valid JSON."},

    /* tasks */
    {"task_nobody", "发起人已离职或停用，任务未继续。",
     "Who asked for this is gone or suspended; it was not carried on."},
    {"task_gave_up", "多次尝试均未能继续，任务已放弃。",
     "It came no further in several tries and was given up."},
    {"task_unknown", "系统已不支持这种任务。", "This kind of task is no longer known."},

    {"webhook_url", "必须是 https:// 开头的完整网址，不含用户名。",
     "Must be a whole address that begins with https://, without a user name."},
    {"webhook_events", "无效的事件：{0}。应如 vote.poll.created 或 vote.poll.*。",
     "Not an event: {0}. Write vote.poll.created or vote.poll.*."},
    {"webhook_one_resource", "只有全部事件属于同一资源时才能使用。",
     "Only where all events are of one resource."},
    {"webhook_nothing", "请指明要重发哪些投递：deliveries，或 from 与 to。",
     "Say what to send again: deliveries, or from and to."},

    {"agreement_replaced", "这份协议已有新版本，请重新阅读后同意。",
     "This agreement has a newer version; please read and accept that one."},
    {"workday_range", "超出工作日历能计算的范围。", "Beyond what the calendar can reckon."},

    /* files */
    {"file_type_refused", "不接受此类型的文件：{0}。", "Files of this type are not accepted: {0}."},
};

/* Open addressing; a power of two, at most half full. Written only while the
 * process starts, read by everyone afterwards. */
static struct {
    struct msg *slots;
    size_t cap, n;
} table;
/* Texts of msg_add, for the life of the process; a replaced one stays, because
 * someone may hold it. */
static struct arena *texts;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct msg *slot_of(struct msg *slots, size_t cap, const char *id)
{
    size_t i = (size_t)sv_hash(sv_of(id)) & (cap - 1);
    while (slots[i].id && strcmp(slots[i].id, id) != 0)
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

static struct msg *zeroed(size_t n)
{
    struct msg *m = calloc(n, sizeof *m);
    if (!m) panic("out of memory");
    return m;
}

static void put(struct msg m)
{
    if ((table.n + 1) * 2 > table.cap) {
        size_t cap = table.cap * 2;
        struct msg *slots = zeroed(cap);
        for (size_t i = 0; i < table.cap; i++)
            if (table.slots[i].id) *slot_of(slots, cap, table.slots[i].id) = table.slots[i];
        free(table.slots);
        table.slots = slots;
        table.cap = cap;
    }
    struct msg *s = slot_of(table.slots, table.cap, m.id);
    table.n += s->id == NULL;
    *s = m;
}

static void load_core(void)
{
    texts = arena_new(0);
    table.cap = 256;
    table.slots = zeroed(table.cap);
    for (size_t i = 0; i < sizeof core_messages / sizeof *core_messages; i++)
        put(core_messages[i]);
}

static const char *copy(const char *s)
{
    return s ? arena_str(texts, sv_of(s)) : NULL;
}

void msg_add(const char *id, const char *zh, const char *en)
{
    pthread_once(&once, load_core);
    put((struct msg){copy(id), copy(zh), copy(en)});
}

const char *msg_text(const char *lang, const char *id)
{
    pthread_once(&once, load_core);
    const struct msg *m = slot_of(table.slots, table.cap, id);
    if (!m->id) return id;
    bool zh = lang && lang[0] == 'z' && lang[1] == 'h';
    const char *first = zh ? m->zh : m->en, *second = zh ? m->en : m->zh;
    return first && *first ? first : second && *second ? second : id;
}

void msg_format(struct buf *out, const char *lang, const char *id, const char *const args[3])
{
    const char *p = msg_text(lang, id);
    for (const char *at; (at = strchr(p, '{')) != NULL;) {
        bool arg = at[1] >= '0' && at[1] <= '2' && at[2] == '}';
        buf_add(out, p, (size_t)(at - p) + !arg);
        if (arg) buf_str(out, args ? args[at[1] - '0'] : NULL);
        p = at + (arg ? 3 : 1);
    }
    buf_str(out, p);
}
