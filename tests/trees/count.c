/* A plugin for QEMU's user emulation that counts the instructions which the emulated processor executes.
 *
 *   cc -shared -fPIC -O2 -o count.so count.c
 *   qemu-aarch64 -plugin count.so,to=FILE PROGRAM …
 *
 * Whenever the program calls getpriority(PRIO_PROCESS, WHO_ASKS), a process that no kernel has, the count so far is
 * written to FILE as one line. Exact for one thread; threads that run at once may lose each other's additions.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Debian 12 packages no header for plugins, so these few declarations stand in for it (version 1 of the interface:
 * https://www.qemu.org/docs/master/devel/tcg-plugins.html). */
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, enum qemu_plugin_op, void *counter,
                                                     uint64_t add);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t,
                                                 void (*)(qemu_plugin_id_t, unsigned int vcpu, int64_t number, uint64_t,
                                                          uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                                                          uint64_t));

int qemu_plugin_version = 1;

enum { GETPRIORITY = 141 /* arm64's number */, PRIO_PROCESS = 0, WHO_ASKS = 0x6d69656e };

static uint64_t executed;
static FILE *told;

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &executed, qemu_plugin_tb_n_insns(block));
}

static void called(qemu_plugin_id_t id, unsigned int vcpu, int64_t number, uint64_t which, uint64_t who, uint64_t a3,
                   uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    (void)id, (void)vcpu, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number == GETPRIORITY && which == PRIO_PROCESS && who == WHO_ASKS) {
        fprintf(told, "%llu\n", (unsigned long long)executed);
        fflush(told);
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    if (argc != 1 || strncmp(argv[0], "to=", 3) != 0 || !(told = fopen(argv[0] + 3, "w"))) {
        fprintf(stderr, "count.so takes one argument: to=FILE, which can be written\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    return 0;
}
