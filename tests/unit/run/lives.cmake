# SPDX-License-Identifier: Apache-2.0
# snapshot, names, monitors, supervision, sim
foreach(name snapshot names monitor sim supervision supervision_faults
             supervision_threads)
  pl_unit_test(${name} TIMEOUT 300 USES pl_run)
endforeach()
foreach(name snapshot names supervision_threads)
  set_tests_properties(unit.${name} PROPERTIES LABELS "unit;threads")
endforeach()
# allocations that fail when the test says so
foreach(name supervision supervision_faults)
  target_link_options(test_${name} PRIVATE -Wl,--wrap=calloc)
endforeach()
