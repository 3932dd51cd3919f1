# Two translation units built with other flags share no function body of the library, and each runs its own:
#   cmake -DCOMPILER=... -DINCLUDE=... -DSOURCE=<this folder> -DWORK=... -P odr.cmake
cmake_minimum_required(VERSION 3.25)
file(MAKE_DIRECTORY ${WORK})

set(flags_plain -O1 -march=x86-64)
set(flags_fused -O2 -march=x86-64-v3 -ffp-contract=fast -ffast-math -DNDEBUG)
foreach(unit plain fused)
  execute_process(COMMAND ${COMPILER} -std=c++20 ${flags_${unit}} -I${INCLUDE} -c ${SOURCE}/${unit}.cpp -o ${WORK}/${unit}.o
                  COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND nm -C --defined-only ${WORK}/${unit}.o OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE ";" "," symbols "${symbols}")
  string(REPLACE "[" "(" symbols "${symbols}")  # brackets would glue list elements together
  string(REPLACE "]" ")" symbols "${symbols}")
  string(REGEX MATCHALL "[0-9a-f]+ W [^\n]*lagom::[^\n]*" found_${unit} "${symbols}")
  list(TRANSFORM found_${unit} REPLACE "^[0-9a-f]+ W " "")
  list(LENGTH found_${unit} count)
  message(STATUS "${unit}: ${count} weak functions that name lagom")
  if(count EQUAL 0)
    message(FATAL_ERROR "nothing found: this test looks at nothing")
  endif()
endforeach()

# The name of a function alone: no template arguments, no parameters, no return type.
function(bare_name out symbol)
  string(REGEX REPLACE "operator(<<|>>|<=>|<=|>=|<|>|->)" "operator" symbol "${symbol}")
  string(LENGTH "${symbol}" before)
  set(after 0)
  while(NOT before EQUAL after)  # innermost brackets first
    string(LENGTH "${symbol}" before)
    string(REGEX REPLACE "<[^<>]*>" "" symbol "${symbol}")
    string(LENGTH "${symbol}" after)
  endwhile()
  string(REGEX REPLACE "\\(anonymous namespace\\)" "anonymous" symbol "${symbol}")
  string(REGEX REPLACE "\\(.*" "" symbol "${symbol}")
  string(REGEX REPLACE "^.* ([^ ]+)$" "\\1" symbol "${symbol}")
  set(${out} "${symbol}" PARENT_SCOPE)
endfunction()

set(shared "")
foreach(name IN LISTS found_plain)
  bare_name(bare "${name}")
  # Standard-library functions over the library's plain types are the standard library's own, and so is what an
  # implicit destructor or assignment of a class of vectors does.
  if(name IN_LIST found_fused AND NOT bare MATCHES "^(std|__gnu_cxx)::" AND NOT bare MATCHES "::(~[a-z_]+|operator=)$")
    list(APPEND shared "${name}")
  endif()
endforeach()
if(shared)
  list(JOIN shared "\n  " shared)
  message(FATAL_ERROR "Both units define:\n  ${shared}")
endif()

foreach(order "plain.o;fused.o" "fused.o;plain.o")
  list(TRANSFORM order PREPEND ${WORK}/)
  execute_process(COMMAND ${COMPILER} -std=c++20 ${SOURCE}/main.cpp ${order} -o ${WORK}/odr COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${WORK}/odr RESULT_VARIABLE status OUTPUT_VARIABLE said)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "One unit ran the other's code: ${said}")
  endif()
endforeach()
