"""
Reads a guest's tasks, and the areas of their memory, from a core of the guest by drgn, and tells how long it took.

    python3 look.py ROUNDS 3<CORE 4<VMCOREINFO

Prints JSON: names are the kernel's, times are milliseconds. Each round opens the core anew. Structures of which several members are
wanted are read whole, which is how drgn is quickest.
"""

import json
import os
import sys
import time

import drgn
from drgn.helpers.linux.fs import dentry_path
from drgn.helpers.linux.mm import for_each_vma
from drgn.helpers.linux.pid import for_each_task

CORE, VMCOREINFO = 3, 4


def read_vmcoreinfo():
    """The text of the kernel's ELF note: three numbers and its name come before it."""
    note = os.read(VMCOREINFO, 1 << 16)
    return note[24 : 24 + int.from_bytes(note[4:8], "little")]


def open_core(vmcoreinfo):
    program = drgn.Program(vmcoreinfo=vmcoreinfo)
    program.set_core_dump(os.dup(CORE))
    program.load_debug_info(main=True)  # the kernel's own: nothing that is read here is of a module
    return program


def read_tasks(program):
    tasks = []
    state = "__state" if program.type("struct task_struct").has_member("__state") else "state"
    for pointer in for_each_task(program):
        task = pointer[0].read_()
        tasks.append(
            {
                "address": pointer.value_(),
                "pid": task.pid.value_(),
                "tgid": task.tgid.value_(),
                "ppid": task.real_parent.tgid.value_(),
                "comm": text(task.comm.string_()),
                "state": task.member_(state).value_(),
                "exit_state": task.exit_state.value_(),
                "flags": task.flags.value_(),
                "static_prio": task.static_prio.value_(),
                "start_boottime": task.start_boottime.value_(),
                "utime": task.utime.value_(),
                "stime": task.stime.value_(),
                "mm": task.mm.value_(),
            }
        )
    return tasks


def read_areas(program):
    """The areas, and of each its file or a null pointer."""
    areas, files = [], []
    seen = {0}
    for task in for_each_task(program):
        mm = task.mm.read_()
        if mm.value_() in seen:
            continue
        seen.add(mm.value_())
        for pointer in for_each_vma(mm):
            vma = pointer[0].read_()
            file = vma.vm_file
            inode = file.f_inode.read_() if file else None
            areas.append(
                {
                    "mm": mm.value_(),
                    "vm_start": vma.vm_start.value_(),
                    "vm_end": vma.vm_end.value_(),
                    "vm_flags": vma.vm_flags.value_(),
                    "vm_pgoff": vma.vm_pgoff.value_(),
                    "s_dev": inode.i_sb.s_dev.value_() if file else 0,
                    "i_ino": inode.i_ino.value_() if file else 0,
                }
            )
            files.append(file)
    return areas, files


def read_paths(files):
    return ["/" + text(dentry_path(file.f_path.dentry)) if file else "" for file in files]


def text(name):
    return name.decode(errors="replace")


def timed(times, read, *arguments):
    began = time.perf_counter()
    result = read(*arguments)
    times.append((time.perf_counter() - began) * 1000)
    return result


def main():
    times = {"open": [], "tasks": [], "areas": [], "paths": []}
    vmcoreinfo = read_vmcoreinfo()
    for _ in range(int(sys.argv[1])):
        program = timed(times["open"], open_core, vmcoreinfo)
        tasks = timed(times["tasks"], read_tasks, program)
        areas, files = timed(times["areas"], read_areas, program)
        paths = timed(times["paths"], read_paths, files)
    for area, path in zip(areas, paths):
        area["path"] = path
    json.dump({"version": drgn.__version__, "times": times, "account": {"tasks": tasks, "areas": areas}}, sys.stdout)


main()
