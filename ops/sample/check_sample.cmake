# Writes the sample again and compares it, byte by byte, with the committed one.
execute_process(COMMAND ${SAMPLESITE} --out ${OUT} COMMAND_ERROR_IS_FATAL ANY)
foreach(name rooms.csv roster.csv paper.json)
    execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${SAMPLE}/${name} ${OUT}/${name}
                    RESULT_VARIABLE differs)
    if(differs)
        message(FATAL_ERROR "${SAMPLE}/${name} is not what samplesite writes; run samplesite --out ops/sample")
    endif()
endforeach()
