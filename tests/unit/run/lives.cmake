# SPDX-License-Identifier: Apache-2.0
# snapshot, monitors, sim
foreach(name snapshot monitor monitor_threads sim)
  pl_unit_test(${name} TIMEOUT 300 USES pl_run)
endforeach()
foreach(name snapshot monitor_threads)
  set_tests_properties(unit.${name} PROPERTIES LABELS "unit;threads")
endforeach()
