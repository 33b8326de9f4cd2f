/* Reads a plugin's entry out of the file, before dlopen runs anything of it: a
 * library built for another ABI has constructors too. ELF64 of this machine's
 * byte order; the head of the entry holds plain numbers, so no relocation is
 * needed to read it. The file is not trusted: every offset is checked. */
#include "plugin/internal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRY "atrium_plugin_entry"

struct image {
    const char *path;
    const unsigned char *p;
    size_t n;
};

static const void *at(const struct image *m, uint64_t offset, uint64_t size)
{
    return offset <= m->n && size <= m->n - offset ? m->p + offset : NULL;
}

static const Elf64_Shdr *section(const struct image *m, const Elf64_Ehdr *h, uint32_t i)
{
    if (h->e_shoff == 0 || i >= h->e_shnum || h->e_shentsize != sizeof(Elf64_Shdr)) return NULL;
    if (h->e_shoff > m->n || h->e_shoff % _Alignof(Elf64_Shdr)) return NULL;
    return at(m, h->e_shoff + (uint64_t)i * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr));
}

static const Elf64_Shdr *dynamic_symbols(const struct image *m, const Elf64_Ehdr *h)
{
    for (uint32_t i = 0; i < h->e_shnum; i++) {
        const Elf64_Shdr *s = section(m, h, i);
        if (!s) return NULL;
        if (s->sh_type == SHT_DYNSYM && s->sh_entsize == sizeof(Elf64_Sym) &&
            s->sh_offset % _Alignof(Elf64_Sym) == 0)
            return s;
    }
    return NULL;
}

/* Where an address of the loaded library is in the file. */
static const void *loaded(const struct image *m, const Elf64_Ehdr *h, uint64_t addr, uint64_t size)
{
    if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phoff % _Alignof(Elf64_Phdr) ||
        h->e_phoff > m->n)
        return NULL;
    for (uint32_t i = 0; i < h->e_phnum; i++) {
        const Elf64_Phdr *p = at(m, h->e_phoff + (uint64_t)i * sizeof *p, sizeof *p);
        if (!p) return NULL;
        if (p->p_type == PT_LOAD && addr >= p->p_vaddr && addr - p->p_vaddr <= p->p_filesz &&
            size <= p->p_filesz - (addr - p->p_vaddr)) {
            uint64_t off = addr - p->p_vaddr;
            return p->p_offset <= m->n ? at(m, p->p_offset + off, size) : NULL;
        }
    }
    return NULL;
}

/* Names with two underscores belong to compiler and linker (sanitizers, the
 * section bounds); weak ones are C++'s vague linkage. */
static bool counts_as_export(const Elf64_Sym *s, const char *name)
{
    unsigned bind = ELF64_ST_BIND(s->st_info), see = ELF64_ST_VISIBILITY(s->st_other);
    if (s->st_shndx == SHN_UNDEF || bind != STB_GLOBAL) return false;
    if (see == STV_HIDDEN || see == STV_INTERNAL) return false;
    if (name[0] == '_' && (name[1] == '_' || strcmp(name, "_init") == 0 ||
                           strcmp(name, "_fini") == 0 || strcmp(name, "_end") == 0 ||
                           strcmp(name, "_edata") == 0))
        return false;
    return true;
}

static int check_head(const struct image *m, const Elf64_Ehdr *h, const Elf64_Sym *s,
                      struct err *err)
{
    const size_t head = offsetof(struct atrium_plugin_entry, reserved);
    if (ELF64_ST_TYPE(s->st_info) != STT_OBJECT || s->st_size < head)
        return err_internal(err, "%s: %s is no struct atrium_plugin_entry", m->path, ENTRY);
    uint32_t magic, size, major;
    const unsigned char *p = loaded(m, h, s->st_value, head);
    if (!p) return err_internal(err, "%s: %s has no content in the file", m->path, ENTRY);
    memcpy(&magic, p + offsetof(struct atrium_plugin_entry, magic), sizeof magic);
    memcpy(&size, p + offsetof(struct atrium_plugin_entry, size), sizeof size);
    memcpy(&major, p + offsetof(struct atrium_plugin_entry, abi_major), sizeof major);
    if (magic != ATRIUM_MAGIC)
        return err_internal(err, "%s: wrong magic 0x%08x: not an Atrium plugin", m->path, magic);
    if (major != ATRIUM_ABI_MAJOR)
        return err_internal(err, "%s: built for ABI %u, this host serves ABI %u", m->path, major,
                            ATRIUM_ABI_MAJOR);
    if (size < ATRIUM_ENTRY_MIN)
        return err_internal(err, "%s: entry of %u bytes, at least %zu are needed", m->path, size,
                            (size_t)ATRIUM_ENTRY_MIN);
    if (size > s->st_size)
        return err_internal(err, "%s: entry says %u bytes but has %llu", m->path, size,
                            (unsigned long long)s->st_size);
    return 0;
}

static int check_image(const struct image *m, struct err *err)
{
    const Elf64_Ehdr *h = at(m, 0, sizeof *h);
    if (!h || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
        return err_internal(err, "%s: not a shared library", m->path);
    const uint16_t one = 1;
    unsigned char data = *(const unsigned char *)&one ? ELFDATA2LSB : ELFDATA2MSB;
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != data || h->e_type != ET_DYN)
        return err_internal(err, "%s: not a 64-bit shared library of this machine", m->path);
    /* The table of sections is what a linker writes last. */
    if (!at(m, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr)))
        return err_internal(err, "%s: the file is cut off", m->path);
    const Elf64_Shdr *syms = dynamic_symbols(m, h);
    const Elf64_Shdr *names = syms ? section(m, h, syms->sh_link) : NULL;
    const Elf64_Sym *sym = syms ? at(m, syms->sh_offset, syms->sh_size) : NULL;
    const char *text = names ? at(m, names->sh_offset, names->sh_size) : NULL;
    if (!sym || !text || names->sh_size == 0 || text[names->sh_size - 1] != '\0')
        return err_internal(err, "%s: no table of symbols (stripped of its sections?)", m->path);

    const Elf64_Sym *entry = NULL;
    const char *other = NULL;
    for (size_t i = 0; i < syms->sh_size / sizeof *sym; i++) {
        if (sym[i].st_name >= names->sh_size) continue;
        const char *name = text + sym[i].st_name;
        if (!counts_as_export(&sym[i], name)) continue;
        if (strcmp(name, ENTRY) == 0)
            entry = &sym[i];
        else if (!other)
            other = name;
    }
    if (!entry) return err_internal(err, "%s: exports no %s", m->path, ENTRY);
    if (check_head(m, h, entry, err) != 0) return -1;
    if (other)
        return err_internal(err, "%s: exports %s besides %s (build with -fvisibility=hidden)",
                            m->path, other, ENTRY);
    return 0;
}

int plug_elf_check(const char *path, struct err *err)
{
    struct image m = {.path = path};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0) {
        err_internal(err, "%s: cannot be read: %s", path, fd < 0 ? strerror(errno) : "no file");
        if (fd >= 0) close(fd);
        return -1;
    }
    m.n = (size_t)st.st_size;
    void *p = mmap(NULL, m.n, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (p == MAP_FAILED) return err_internal(err, "%s: cannot be mapped", path);
    m.p = p;
    int rc = check_image(&m, err);
    munmap(p, m.n);
    return rc;
}
